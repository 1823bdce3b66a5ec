/**
 * What the executor needs of the world, as small interfaces named for the need.
 * Failure is ordinary here: outcomes are values. An exception from a port is a bug in it.
 */
import type { Duplex } from "node:stream";
import type { Change } from "../domain/action.ts";
import type { Answer, RecordedEvent } from "../domain/events.ts";
import type { Refusal } from "../domain/failures.ts";
import type { HostConfig, RereadOutcome } from "../domain/fleet.ts";
import type { ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { HostName, InstanceName, ProgramName, RolloutId } from "../domain/ids.ts";
import type { KnownHistory } from "../domain/process-history.ts";
import type {
  ChangeOutcome,
  CheckOutcome,
  HookOutcome,
  LockLost,
  LogTail,
  LookOutcome,
  AwaitedOutcome,
  UnseenLook,
} from "../domain/outcomes.ts";
import type { WavePlace } from "../domain/rollout.ts";
import type { Check, Hook, Vars } from "../domain/settings.ts";

/** A program and its arguments, unquoted. Quoting is for the edge where a shell reads it. */
export type Argv = readonly [program: string, ...args: string[]];

/** What a command itself has printed: nothing of what a login shell prints before it. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** True: the beginning of stdout is missing, since it exceeded the limit. */
  readonly isCut?: boolean;
}

/** How a command on a host ended. */
export type RunOutcome =
  | ({ readonly kind: "exited"; readonly code: number } & Output)
  | ({ readonly kind: "signalled"; readonly signal: string } & Output)
  /** It was not sent: there is no connection, or no channel was to be had. */
  | { readonly kind: "unreachable"; readonly reason: string }
  /** It was sent, and `timeoutMs` went by. It may still run on the host. */
  | { readonly kind: "timed_out"; readonly afterMs: number }
  /** It was sent, and the connection was lost before its end was seen. It may have done all, some or nothing. */
  | { readonly kind: "indeterminate"; readonly reason: string };

export type ConnectOutcome =
  /** @property warnings what an operator should know of the connection: a host key that was new, or is not enforced */
  | { readonly kind: "connected"; readonly warnings?: readonly string[] }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** One connection to one host, made on demand and made again when it was lost. */
export interface HostConnection {
  readonly host: HostName;
  /** Resolves once a command can be run, or with the reason why none can. Never rejects. */
  connect(): Promise<ConnectOutcome>;
  /** Ends the connection; commands on the host continue by themselves. Idempotent. */
  close(): Promise<void>;
}

/** A TCP port, or the path of a Unix socket on the host. */
export type DialTarget = { readonly address: string; readonly port: number } | { readonly socket: string };

export type DialOutcome =
  | { readonly kind: "open"; readonly stream: Duplex }
  /** @property forbidden true: the host's sshd is set not to, whether or not anything listens there */
  | { readonly kind: "failed"; readonly reason: string; readonly forbidden?: true };

/** A command that runs until its stdin is closed, or until it exits. */
export interface SpawnedProcess {
  /** Writing goes to its stdin, reading comes from its stdout. An error of it is never thrown. */
  readonly stream: Duplex;
  /** Resolves once it has ended or the connection was lost, and all of its stdout was read. */
  readonly closed: Promise<void>;
  /** The end of what it has said on stderr. */
  readonly stderr: () => string;
}

export type SpawnOutcome =
  { readonly kind: "spawned"; readonly process: SpawnedProcess } | { readonly kind: "failed"; readonly reason: string };

export interface RunBounds {
  /** Ends the command on the host when it is up. */
  readonly timeoutMs?: number;
  /** All that it reads; nothing by default. Unlike arguments, nobody else on the host can see it. */
  readonly stdin?: string;
}

/** A way onto one host: a connection over which any command can be run. */
export interface HostAccess extends HostConnection {
  /**
   * Runs one command without a pty. Connects first where there is no connection.
   * Without `timeoutMs` it waits for as long as the command takes: a change must not be killed half-way.
   */
  run(argv: Argv, options?: RunBounds): Promise<RunOutcome>;
  /** Starts a command without a pty and leaves it running. Connects first where there is no connection. Never rejects. */
  spawn(argv: Argv): Promise<SpawnOutcome>;
  /** Opens a connection as the host itself would. Needs sshd's AllowTcpForwarding. Never rejects. */
  dial(to: DialTarget): Promise<DialOutcome>;
}

/** By which way a host's supervisord is asked, and why not by a faster one. */
export interface LookWay {
  /** Past supervisorctl; through one long-lived supervisorctl; through one supervisorctl per look. */
  readonly kind: "xml-rpc" | "session" | "exec";
  readonly why: string;
}

/** A supervisord's process id, as far as it is known. */
export type PidOutcome =
  /** @property children of that supervisord, as far as they are known: what ran at the last look */
  | { readonly kind: "known"; readonly pid: number; readonly children?: readonly number[] }
  /** It was asked and gave none: sudo does not let us ask, or a command in its place knows of none. */
  | { readonly kind: "unknown" }
  /** Nobody answered; that says nothing about the next time. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Looks at the Supervisor of one host. It has no way to change anything: all that a dry run gets. */
export interface SupervisorReader {
  /**
   * All instances of the host in natural order, as they are after this call. Each command that it takes is bounded by
   * the plan's command_timeout, and all faster attempts together by half of it.
   * Calls during a look share the next one.
   */
  look(): Promise<LookOutcome>;
  /**
   * Remembers the ends of an instance's logs, where that takes some milliseconds: before its restart, so that
   * older lines can be recognised after it. Never rejects.
   */
  noteLogs(instance: InstanceName): Promise<void>;
  /**
   * The end of what an instance has logged since its restart, or why there is nothing to read. Bounded likewise.
   * @param msSinceRestart asked once the times of its logs are known; undefined: they are not compared with it
   */
  tailLog(instance: InstanceName, msSinceRestart: () => number | undefined): Promise<LogTail>;
  /**
   * What supervisord's own log says of the processes that these instances have had, as far back as its end goes: one
   * entry for each. @param instances all that the host has, since the log does not name their groups. Bounded likewise.
   */
  histories(instances: readonly InstanceName[]): Promise<ReadonlyMap<InstanceName, KnownHistory>>;
  /** The process id of supervisord itself, on its host. Bounded likewise. */
  supervisorPid(): Promise<PidOutcome>;
  /** How these instances are configured, as far as it can be learnt without any change to what supervisord has loaded. */
  config(instances: readonly InstanceName[]): Promise<HostConfig>;
  /**
   * What a look through supervisorctl shows in place of states, where the last look came past it: all changes go
   * through supervisorctl. Undefined if it works. Bounded likewise.
   */
  troubleWithSupervisorctl(): Promise<UnseenLook | undefined>;
  /**
   * Makes supervisord read its configuration again and reports how it differs from the loaded one. Nothing that runs is
   * touched. Bounded likewise.
   */
  reread(): Promise<RereadOutcome>;
  /** How the last answer came; undefined before the first. */
  way(): LookWay | undefined;
  /** Ends what it has left running on the host. Before the connection's own end; idempotent; a later look starts from scratch. */
  close(): Promise<void>;
}

/** Looks at the process table of one host, as its login sees it. It has no way to change anything. */
export interface ProcessTable {
  /** What it has of these at this moment. Bounded by the plan's command_timeout. Never rejects. */
  look(query: ProcessQuery): Promise<ProcessesOutcome>;
}

/** Changes what runs under the Supervisor of one host. */
export interface SupervisorChanges {
  /** Changes one instance, or updates one group, and waits for as long as supervisorctl does. */
  change(change: Change): Promise<ChangeOutcome>;
}

/** A host of the fleet, to look at. */
export interface FleetHost {
  readonly connection: HostConnection;
  readonly supervisor: SupervisorReader;
  readonly locks: LockReader;
  readonly checkRoutes: CheckRoutes;
  readonly checker: Checker;
  readonly processes: ProcessTable;
}

/** Knows before a rollout what keeps its checks from where they look. */
export interface CheckRoutes {
  /**
   * Why a check of this instance can never get there, if its host's sshd forbids it. What the check asks is
   * not contacted, unless sshd permits that and little else. Never rejects.
   */
  barrier(check: Check, instance: InstanceName, vars: Vars): Promise<string | undefined>;
}

/** Reads who holds locks on one host. It has no way to take one. */
export interface LockReader {
  /** Those of these groups that are held, as far as can be seen. Never rejects. */
  owners(groups: readonly ProgramName[]): Promise<readonly LockHolder[]>;
}

/** What a check is about; its placeholders are filled from it. */
export interface CheckSubject {
  readonly instance: InstanceName;
  readonly vars: Vars;
  /** Of the process that was started, and of the one that it has replaced. */
  readonly pid: number;
  readonly previousPid?: number;
}

/** Asks whether an instance is ready, as the plan's checks say. */
export interface Checker {
  check(check: Check, subject: CheckSubject): Promise<CheckOutcome>;
}

/** What a hook is about; its placeholders and environment are filled from it. */
export interface HookSubject {
  readonly host?: HostName;
  readonly instance?: InstanceName;
  readonly reason?: string;
  /** The wave or the batch, and its hosts. */
  readonly step?: WavePlace;
  readonly hosts?: readonly HostName[];
  /** Of the instance's process, and of the one that it has replaced. */
  readonly pid?: number;
  readonly previousPid?: number;
  readonly vars: Vars;
  readonly timeoutMs: number;
}

export interface HookRunner {
  run(hook: Hook, subject: HookSubject): Promise<HookOutcome>;
}

export type TakeOutcome =
  | { readonly kind: "held" }
  /** By another rollout. */
  | { readonly kind: "locked"; readonly holder: LockHolder }
  /** There can be none: the host lacks what it takes, or is gone. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** Who holds a lock, as far as that is known. */
export interface LockHolder {
  readonly group: ProgramName;
  readonly owner?: LockOwner;
}

/** What a holder says of itself. */
export interface LockOwner {
  readonly rollout: RolloutId;
  /** `alice@laptop`: the account and the machine of the controller. */
  readonly who: string;
  /** ISO 8601, of the controller's clock. */
  readonly since: string;
  readonly reason?: string;
  /** By which name its plan knows the host. */
  readonly host?: HostName;
}

export interface RunUnderLock extends RunBounds {
  /** The same command for a long-lived supervisorctl, which takes it while it has nothing else to do. */
  readonly inSession?: string;
}

/**
 * The right to change programs on one host, and the one way in which changes go there: so the lock is not free
 * before the last command of its holder has ended.
 */
export interface HostLock {
  readonly host: HostName;
  /** Resolves as soon as the lock is known to be lost for good, whether or not anything is to be done under it. */
  readonly lost: Promise<LockLost>;
  /**
   * Begins with all of a `take` of the same groups that decides nothing yet, so that it takes less time then.
   * One that is not followed by it ends by itself, or with `release`.
   */
  prepare(groups: readonly ProgramName[]): void;
  /** Tries once. @param groups the Supervisor groups to lock; none: changes are let through without a lock */
  take(groups: readonly ProgramName[]): Promise<TakeOutcome>;
  /** Runs a command under the lock, which is first taken again if it was lost with its connection. */
  run(argv: Argv, options?: RunUnderLock): Promise<RunOutcome | LockLost>;
  /** Resolves once the lock is held, or held again. */
  awaitOutcome(): Promise<AwaitedOutcome>;
  /** Lets go as soon as what runs under it has ended. Idempotent; it can be taken again. */
  release(): Promise<void>;
}

/** A host with all that a rollout needs of it. */
export interface RolloutHost extends FleetHost {
  readonly lock: HostLock;
  readonly changes: SupervisorChanges;
  readonly hooks: HookRunner;
}

/** The person at the terminal, to whom a view shows the question. One question is open at a time. */
export interface Operator {
  /** Whether there is such a person. */
  readonly isThere: boolean;
  /** Whether to continue after a pause; asked only if there is such a person. Never resolves once withdrawn. */
  mayContinue(withdrawn: AbortSignal): Promise<boolean>;
  /** One of these answers to a failure; asked only if there is such a person. Never resolves once withdrawn. */
  decide(answers: readonly Answer[], withdrawn: AbortSignal): Promise<Answer>;
}

/** Everything that a rollout acts upon. */
export interface World {
  readonly fleet: ReadonlyMap<HostName, RolloutHost>;
  /** Runs the hooks of the rollout, which belong to no host. */
  readonly hooks: HookRunner;
  readonly operator: Operator;
}

export interface Clock {
  /** Milliseconds that only ever go forward, from any origin. */
  monotonicMs(): number;
  /** The time of day, for people and journals only. */
  now(): Date;
  /** Calls back at or after `atMs` of the monotonic clock, unless cancelled before. */
  wakeAt(atMs: number, callback: () => void): { cancel(): void };
}

/** Keeps the events of a rollout, so that another process can resume where this one ended. */
export interface Journal {
  append(event: RecordedEvent): void;
  /** Resolves once all that was appended survives a power cut, or with the reason why it does not. Never rejects. */
  durable(): Promise<string | undefined>;
  /** Likewise; nothing is appended after that. */
  close(): Promise<string | undefined>;
}

/** Shows a rollout. It receives events, never asks, and nothing waits for it. */
export interface View {
  show(event: RecordedEvent): void;
  /** After the last event: draw the rest and restore the terminal. */
  end(): Promise<void>;
}
