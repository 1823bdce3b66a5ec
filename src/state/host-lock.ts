import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostName, ProgramName } from "../domain/ids.ts";
import type { LockLost, AwaitedOutcome } from "../domain/outcomes.ts";
import { quoteArgv } from "../domain/shell-quotes.ts";
import { Deadline } from "../executor/deadline.ts";
import type {
  Argv,
  HostAccess,
  HostLock,
  LockOwner,
  RunOutcome,
  RunUnderLock,
  TakeOutcome,
} from "../executor/ports.ts";
import { Heartbeat, type Silence } from "./heartbeat.ts";
import { Holder, type Taken } from "./holder.ts";
import { HOLDER_SCRIPT } from "./holder-script.ts";
import { identityArguments, type LockPlace } from "./lock-reader.ts";
import { fileName, newestOwner, recordOf } from "./lock-record.ts";

export interface LockOptions extends LockPlace {
  readonly owner: LockOwner;
  /** A supervisorctl that reads commands from its stdin; left out: changes have a process each. */
  readonly session?: Argv;
  /** When to start the session, if not at once: a change does not wait for its turn. */
  readonly inTurn?: (open: () => Promise<void>) => Promise<void>;
  /** Default: 60 s for the holder, 45 s for the controller, a beat every 15 s. */
  readonly silence?: Silence;
}

const DEFAULT_SILENCE: Silence = { holderMs: 60_000, controllerMs: 45_000, beatEveryMs: 15_000 };

/** Between two attempts to get a lock back that was lost with its connection. */
const REGAIN_EVERY_MS = 1000;

/** How long a release waits for the holder's own end, so that its records are gone. */
const RELEASE_MS = 2000;

/** The lock of one host: a {@link HOLDER_SCRIPT} at the other end of a connection. It does nothing before `take`. */
export function createHostLock(access: HostAccess, options: LockOptions): HostLock {
  return new HolderLock(access, options);
}

const RELEASED = "the lock was released";

/** What timeout(1) returns when time was up: coreutils', busybox', and where the command had to be killed. */
const TIMED_OUT: readonly number[] = [124, 143, 137];

/** How long a host may take to answer whether it gives the lock. */
const ANSWER_MS = 30_000;

const NO_ANSWER = { kind: "broken", reason: `the host did not answer within ${ANSWER_MS / 1000} s` } as const;

type Held =
  | { readonly kind: "held"; readonly holder: Holder }
  | LockLost
  /** We have released it ourselves. */
  | { readonly kind: "released" };

/** A holder that has not been asked for the lock yet. */
type Spawned =
  { readonly kind: "spawned"; readonly holder: Holder } | { readonly kind: "failed"; readonly reason: string };

/** A holder that has got the lock. */
interface Kept {
  readonly holder: Holder;
  readonly heartbeat: Heartbeat;
}

/**
 * One `take` and all that follows from it, until its release. Anything that is still on its way then, such as a process
 * that is started to take a lost lock again, must not act for the next one.
 */
interface Tenure {
  readonly groups: readonly ProgramName[];
  readonly released: AbortController;
  /** A process that was asked for the lock, and has not answered yet. */
  asked?: Holder | undefined;
  regaining?: Promise<Held> | undefined;
}

class HolderLock implements HostLock {
  readonly host: HostName;
  readonly lost: Promise<LockLost>;
  private resolveLost!: (lost: LockLost) => void;
  private readonly access: HostAccess;
  private readonly options: LockOptions;
  private readonly silence: Silence;
  private tenure: Tenure = { groups: [], released: new AbortController() };
  private kept: Kept | undefined;
  /** A process that has not been asked for the lock of these groups yet. */
  private prepared: { readonly groups: Tenure["groups"]; readonly spawned: Promise<Spawned>; drop(): void } | undefined;
  /** What the lock files call the supervisord, since it was held first. */
  private name: string | undefined;
  private lostBecause: LockLost | undefined;

  constructor(access: HostAccess, options: LockOptions) {
    this.host = access.host;
    this.lost = new Promise((resolve) => (this.resolveLost = resolve));
    this.access = access;
    this.options = options;
    this.silence = options.silence ?? DEFAULT_SILENCE;
  }

  prepare(groups: readonly ProgramName[]): void {
    if (this.prepared || this.kept) return;
    const dropped = new AbortController();
    this.prepared = { groups, spawned: this.spawn(groups, dropped.signal), drop: () => dropped.abort() };
  }

  async take(groups: readonly ProgramName[]): Promise<TakeOutcome> {
    const hasAll = groups.every((group) => this.tenure.groups.includes(group));
    if (this.kept && !this.kept.holder.isOver && hasAll) return { kind: "held" };
    const prepared = areSame(this.prepared?.groups, groups) ? this.prepared : undefined;
    if (prepared) this.prepared = undefined;
    await this.release();
    const tenure = { groups, released: new AbortController() };
    this.tenure = tenure;
    const attempt = await this.attempt(tenure, prepared?.spawned);
    return attempt.kind === "held" ? { kind: "held" } : attempt;
  }

  async run(argv: Argv, { timeoutMs, stdin = "", inSession }: RunUnderLock = {}): Promise<RunOutcome | LockLost> {
    const held = await this.held();
    if (held.kind === "lock_lost") return held;
    if (held.kind === "released") return { kind: "unreachable", reason: RELEASED };
    if (inSession !== undefined) await held.holder.openSession();
    const conversation = inSession === undefined ? undefined : held.holder.runInSession(inSession);
    const sentAtMs = performance.now();
    const outcome = await (conversation ?? held.holder.run(quoteArgv(argv), stdin, Math.ceil((timeoutMs ?? 0) / 1000)));
    const isUp = timeoutMs !== undefined && performance.now() - sentAtMs >= timeoutMs;
    return isUp && outcome.kind === "exited" && TIMED_OUT.includes(outcome.code)
      ? { kind: "timed_out", afterMs: timeoutMs }
      : outcome;
  }

  async awaitOutcome(): Promise<AwaitedOutcome> {
    const before = this.kept?.holder;
    const { groups } = this.tenure;
    const held = await this.held();
    if (held.kind === "lock_lost") return held;
    // A lock that could be taken again was free: the last command of its former holder has ended.
    const proves = held.kind === "held" && (groups.length > 0 || held.holder === before);
    return { kind: proves ? "ended" : "unprovable" };
  }

  async release(): Promise<void> {
    const { released, asked } = this.tenure;
    released.abort();
    const kept = this.kept;
    this.kept = undefined;
    kept?.heartbeat.stop();
    // Not awaited: where the host is being connected to again, that may take long.
    void this.prepared?.spawned.then((prepared) => prepared.kind === "spawned" && prepared.holder.finish());
    this.prepared?.drop();
    this.prepared = undefined;
    await Promise.all([kept?.holder, asked].flatMap((holder) => (holder ? [finished(holder)] : [])));
  }

  /** The holder, as soon as there is one that is known to be there. */
  private async held(): Promise<Held> {
    const tenure = this.tenure;
    for (;;) {
      if (this.lostBecause) return this.lostBecause;
      if (tenure.released.signal.aborted) return { kind: "released" };
      const kept = this.kept;
      if (!kept || kept.holder.isOver) {
        tenure.regaining ??= this.regain(tenure).finally(() => (tenure.regaining = undefined));
        return tenure.regaining;
      }
      const { holder, heartbeat } = kept;
      if (heartbeat.isHeard) return { kind: "held", holder };
      await Promise.race([heartbeat.beat(), holder.ended]);
    }
  }

  /** Takes a lock that was lost with its connection, once its former holder has ended. */
  private async regain(tenure: Tenure): Promise<Held> {
    const { signal } = tenure.released;
    while (!this.lostBecause && !signal.aborted) {
      const attempt = await this.attempt(tenure);
      if (attempt.kind === "held") return attempt;
      const owner = attempt.kind === "locked" ? attempt.holder.owner : undefined;
      if (owner && owner.rollout !== this.options.owner.rollout)
        this.lose(
          `while the connection was lost, ${owner.who} took the lock on ${this.host} (rollout ${owner.rollout})`,
        );
      else await sleep(REGAIN_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return this.lostBecause ?? { kind: "released" };
  }

  private async attempt(
    tenure: Tenure,
    prepared?: Promise<Spawned>,
  ): Promise<Extract<Held, { kind: "held" }> | Exclude<TakeOutcome, { kind: "held" }>> {
    const { groups } = tenure;
    const { signal } = tenure.released;
    const early = await prepared;
    // One that has waited for too long has ended.
    const spawned = early?.kind === "spawned" && !early.holder.isOver ? early : await this.spawn(groups, signal);
    if (spawned.kind === "failed") return { kind: "unavailable", reason: spawned.reason };
    const { holder } = spawned;
    const taken = signal.aborted ? undefined : await this.ask(tenure, holder);
    if (taken?.kind === "held" && !signal.aborted) {
      // For good: under another name alone it could be had again before its last command has ended.
      if (groups.length > 0) this.name ??= taken.name;
      return this.keep(tenure, holder);
    }
    holder.finish();
    if (taken?.kind === "locked") {
      const group = groups.find((name) => fileName(name) === taken.group) ?? (taken.group as ProgramName);
      const by = newestOwner(taken.records);
      return { kind: "locked", holder: { group, ...(by && { owner: by }) } };
    }
    return { kind: "unavailable", reason: taken?.kind === "broken" ? taken.reason : RELEASED };
  }

  private async ask(tenure: Tenure, holder: Holder): Promise<Taken> {
    tenure.asked = holder;
    const answer = holder.take(recordOf(this.options.owner));
    const taken = await new Deadline(ANSWER_MS).of(answer);
    tenure.asked = undefined;
    return taken ?? NO_ANSWER;
  }

  private async spawn(groups: Tenure["groups"], unwanted: AbortSignal): Promise<Spawned> {
    const { session = [] } = this.options;
    const token = `orchestrate-${randomBytes(9).toString("hex")}`;
    const identity = await this.identity(groups);
    if ("reason" in identity) return { kind: "failed", reason: identity.reason };
    const silenceS = String(this.silence.holderMs / 1000);
    const argv = ["sh", "-c", HOLDER_SCRIPT, "orchestrate", token, silenceS, ...identity.args, ...session] as const;
    // Its connection may have been closed since, and would be made again, for nobody to close.
    if (unwanted.aborted) return { kind: "failed", reason: RELEASED };
    const spawned = await this.access.spawn(argv);
    if (spawned.kind === "failed") return spawned;
    return { kind: "spawned", holder: new Holder(token, spawned.process, session.length > 0) };
  }

  /** What a process on the host needs to find the supervisord's locks by, or why nothing is known of it now. */
  private async identity(
    groups: Tenure["groups"],
  ): Promise<{ readonly args: readonly string[] } | { readonly reason: string }> {
    if (groups.length === 0) return { args: identityArguments(this.options, undefined, undefined, groups) };
    const outcome = await this.options.supervisorPid();
    // Others may know its pid, and have its lock under the name that follows from that. One that was held has its name.
    if (outcome.kind === "unavailable" && this.name === undefined) return { reason: outcome.reason };
    const known = outcome.kind === "unavailable" ? undefined : outcome;
    return { args: identityArguments(this.options, known, this.name, groups) };
  }

  private keep({ groups, released }: Tenure, holder: Holder): Extract<Held, { kind: "held" }> {
    const heartbeat = new Heartbeat(holder, this.silence);
    this.kept = { holder, heartbeat };
    const open = () => holder.openSession();
    void (this.options.inTurn?.(open) ?? open());
    void holder.ended.then(() => {
      if (released.signal.aborted) return;
      if (groups.length > 0 && (holder.hasReleased || heartbeat.hasSlept))
        this.lose(
          `${this.host} had not heard from this controller and released the lock: the controller was suspended or asleep`,
        );
      // At once: nobody holds the lock now, so anyone could take it.
      else void this.held();
    });
    return { kind: "held", holder };
  }

  private lose(reason: string): void {
    this.lostBecause ??= { kind: "lock_lost", reason };
    this.resolveLost(this.lostBecause);
  }
}

/** Lets it end, and waits for that unless it has commands that are still running. */
async function finished(holder: Holder): Promise<void> {
  if (holder.isOver) return;
  holder.finish();
  if (!holder.isBusy) await new Deadline(RELEASE_MS).of(holder.ended);
}

function areSame(a: Tenure["groups"] | undefined, b: Tenure["groups"]): boolean {
  return a?.length === b.length && b.every((group) => a.includes(group));
}
