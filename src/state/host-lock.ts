import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostName, ProgramName } from "../domain/ids.ts";
import type { LockLost, SettleOutcome } from "../domain/outcomes.ts";
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
import { Holder } from "./holder.ts";
import { HOLDER_SCRIPT } from "./holder-script.ts";
import type { LockPlace } from "./lock-reader.ts";
import { fileName, newestOwner, recordOf } from "./lock-record.ts";

export interface LockOptions extends LockPlace {
  readonly owner: LockOwner;
  /** A supervisorctl that reads commands from its stdin; left out: changes have a process each. */
  readonly session?: Argv;
  /** When to start the session, if not at once: a change does not wait for its turn. */
  readonly inTurn?: (open: () => Promise<void>) => Promise<void>;
  /** Default: those of DESIGN.md's lock. */
  readonly silence?: Silence;
}

const DEFAULT_SILENCE: Silence = { holderMs: 60_000, controllerMs: 45_000, beatEveryMs: 15_000 };

/** Between two attempts to get a lock back that was lost with its connection. */
const REGAIN_EVERY_MS = 1000;

/** How long a release waits for the holder's own end, so that its records are gone. */
const RELEASE_MS = 2000;

/** The lock of one host: a {@link HOLDER_SCRIPT} at the other end of a connection. Nothing is done before `take`. */
export function createHostLock(access: HostAccess, options: LockOptions): HostLock {
  return new HolderLock(access, options);
}

const RELEASED = "the lock was released";

/** What timeout(1) returns when time was up: coreutils', busybox', and where the command had to be killed. */
const TIMED_OUT: readonly number[] = [124, 143, 137];

/** How long a host may take to answer whether it gives the lock. */
const ANSWER_MS = 30_000;

const NO_ANSWER = { kind: "broken", reason: `the host gave no answer within ${ANSWER_MS / 1000} s` } as const;

type Held =
  | { readonly kind: "held"; readonly holder: Holder }
  | LockLost
  /** We have let go ourselves. */
  | { readonly kind: "released" };

/** A holder that has not been told anything. */
type Spawned =
  { readonly kind: "spawned"; readonly holder: Holder } | { readonly kind: "failed"; readonly reason: string };

/** @property pid of the supervisord; empty if it is not known */
interface Named {
  readonly kind: "named";
  readonly name: string;
  readonly pid: string;
}

/** A holder that has got the lock. */
interface Kept {
  readonly holder: Holder;
  readonly heartbeat: Heartbeat;
}

class HolderLock implements HostLock {
  readonly host: HostName;
  readonly lost: Promise<LockLost>;
  #resolveLost!: (lost: LockLost) => void;
  readonly #access: HostAccess;
  readonly #options: LockOptions;
  readonly #silence: Silence;
  #released = new AbortController();
  #groups: readonly ProgramName[] = [];
  #kept: Kept | undefined;
  /** A process that has not been told to take the lock yet. */
  #prepared: { readonly spawned: Promise<Spawned>; readonly dropped: AbortController } | undefined;
  #regaining: Promise<Held> | undefined;
  /** What the lock files call the supervisord, since it was held first. */
  #name: string | undefined;
  #lost: LockLost | undefined;

  constructor(access: HostAccess, options: LockOptions) {
    this.host = access.host;
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.#access = access;
    this.#options = options;
    this.#silence = options.silence ?? DEFAULT_SILENCE;
  }

  prepare(groups: readonly ProgramName[]): void {
    if (this.#prepared || this.#kept) return;
    this.#groups = groups;
    const dropped = new AbortController();
    this.#prepared = { spawned: this.#spawn(dropped.signal), dropped };
  }

  async take(groups: readonly ProgramName[]): Promise<TakeOutcome> {
    const hasAll = groups.every((group) => this.#groups.includes(group));
    if (this.#kept && !this.#kept.holder.isOver && hasAll) return { kind: "held" };
    const prepared = hasAll && groups.length === this.#groups.length ? this.#prepared : undefined;
    if (prepared) this.#prepared = undefined;
    await this.release();
    this.#groups = groups;
    this.#released = new AbortController();
    const attempt = await this.#attempt(prepared?.spawned);
    return attempt.kind === "held" ? { kind: "held" } : attempt;
  }

  async run(argv: Argv, { timeoutMs, stdin = "", inSession }: RunUnderLock = {}): Promise<RunOutcome | LockLost> {
    const held = await this.#held();
    if (held.kind === "lock_lost") return held;
    if (held.kind === "released") return { kind: "unreachable", reason: RELEASED };
    if (inSession !== undefined) await held.holder.openSession();
    const conversation = inSession === undefined ? undefined : held.holder.converse(inSession);
    const sentAtMs = performance.now();
    const outcome = await (conversation ?? held.holder.run(quoteArgv(argv), stdin, Math.ceil((timeoutMs ?? 0) / 1000)));
    const isUp = timeoutMs !== undefined && performance.now() - sentAtMs >= timeoutMs;
    return isUp && outcome.kind === "exited" && TIMED_OUT.includes(outcome.code)
      ? { kind: "timed_out", afterMs: timeoutMs }
      : outcome;
  }

  async settle(): Promise<SettleOutcome> {
    const before = this.#kept?.holder;
    const held = await this.#held();
    if (held.kind === "lock_lost") return held;
    // A lock that could be had anew was free: the last command of its former holder has ended.
    const proves = held.kind === "held" && (this.#groups.length > 0 || held.holder === before);
    return { kind: proves ? "settled" : "unprovable" };
  }

  async release(): Promise<void> {
    this.#released.abort();
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.heartbeat.stop();
    // Not awaited: where the host is being connected to again, that may take long.
    void this.#prepared?.spawned.then((prepared) => prepared.kind === "spawned" && prepared.holder.finish());
    this.#prepared?.dropped.abort();
    this.#prepared = undefined;
    if (!kept || kept.holder.isOver) return;
    const { holder } = kept;
    holder.finish();
    if (!holder.isBusy) await new Deadline(RELEASE_MS).of(holder.ended);
  }

  /** The holder, as soon as there is one that is known to be there. */
  async #held(): Promise<Held> {
    for (;;) {
      const kept = this.#kept;
      if (this.#lost) return this.#lost;
      if (this.#released.signal.aborted) return { kind: "released" };
      if (!kept || kept.holder.isOver) {
        this.#regaining ??= this.#regain().finally(() => (this.#regaining = undefined));
        return this.#regaining;
      }
      const { holder, heartbeat } = kept;
      if (heartbeat.isHeard) return { kind: "held", holder };
      await Promise.race([heartbeat.beat(), holder.ended]);
    }
  }

  /** Takes a lock that was lost with its connection, once its former holder has ended. */
  async #regain(): Promise<Held> {
    while (!this.#lost && !this.#released.signal.aborted) {
      const attempt = await this.#attempt();
      if (attempt.kind === "held") return attempt;
      const owner = attempt.kind === "locked" ? attempt.holder.owner : undefined;
      if (owner && owner.rollout !== this.#options.owner.rollout)
        this.#lose(
          `while the connection was lost, ${owner.who} took the lock on ${this.host} (rollout ${owner.rollout})`,
        );
      else await sleep(REGAIN_EVERY_MS, undefined, { signal: this.#released.signal }).catch(() => undefined);
    }
    return this.#lost ?? { kind: "released" };
  }

  async #attempt(
    prepared?: Promise<Spawned>,
  ): Promise<Extract<Held, { kind: "held" }> | Exclude<TakeOutcome, { kind: "held" }>> {
    const early = await prepared;
    // One that has waited for too long has ended.
    const spawned =
      early?.kind === "spawned" && !early.holder.isOver ? early : await this.#spawn(this.#released.signal);
    if (spawned.kind === "failed") return { kind: "unavailable", reason: spawned.reason };
    const { holder } = spawned;
    const answer = holder.take(recordOf(this.#options.owner));
    const taken = (await new Deadline(ANSWER_MS).of(answer)) ?? NO_ANSWER;
    if (taken.kind === "held" && !this.#released.signal.aborted) {
      if (this.#groups.length > 0) this.#name = taken.name;
      return this.#keep(holder);
    }
    holder.finish();
    if (taken.kind === "locked") {
      const group = this.#groups.find((name) => fileName(name) === taken.group) ?? (taken.group as ProgramName);
      const by = newestOwner(taken.records);
      return { kind: "locked", holder: { group, ...(by && { owner: by }) } };
    }
    return { kind: "unavailable", reason: taken.kind === "broken" ? taken.reason : RELEASED };
  }

  async #spawn(unwanted: AbortSignal): Promise<Spawned> {
    const { session = [] } = this.#options;
    const token = `orchestrate-${randomBytes(9).toString("hex")}`;
    const named = await this.#named();
    if (named.kind === "failed") return named;
    const argv = this.#argv(token, named);
    // Its connection may have been closed since, and would be made again, for nobody to close.
    if (unwanted.aborted) return { kind: "failed", reason: RELEASED };
    const spawned = await this.#access.spawn(argv);
    if (spawned.kind === "failed") return spawned;
    return { kind: "spawned", holder: new Holder(token, spawned.process, session.length > 0) };
  }

  /** What the supervisord is to be called on its host, unless the process with that pid says otherwise. */
  async #named(): Promise<Named | Extract<Spawned, { kind: "failed" }>> {
    const { supervisorPid, fallbackName } = this.#options;
    // Under another name it would be had before its last command has ended.
    if (this.#name !== undefined || this.#groups.length === 0)
      return { kind: "named", name: this.#name ?? fallbackName, pid: "" };
    const outcome = await supervisorPid();
    // Others may be told its pid, and have its lock under the name that follows from that.
    if (outcome.kind === "unavailable") return { kind: "failed", reason: outcome.reason };
    return { kind: "named", name: fallbackName, pid: outcome.kind === "known" ? String(outcome.pid) : "" };
  }

  #argv(token: string, { name, pid }: Named): Argv {
    const { directory, session = [] } = this.#options;
    const silenceS = String(this.#silence.holderMs / 1000);
    const args = [token, silenceS, directory, name, pid, this.#groups.map(fileName).join(" ")];
    return ["sh", "-c", HOLDER_SCRIPT, "orchestrate", ...args, ...session];
  }

  #keep(holder: Holder): Extract<Held, { kind: "held" }> {
    const heartbeat = new Heartbeat(holder, this.#silence);
    this.#kept = { holder, heartbeat };
    const open = () => holder.openSession();
    void (this.#options.inTurn?.(open) ?? open());
    void holder.ended.then(() => {
      if (this.#released.signal.aborted) return;
      if (this.#groups.length > 0 && (holder.hasLetGo || heartbeat.hasSlept))
        this.#lose(`${this.host} heard nothing of this controller and let go of the lock: it was stopped or asleep`);
      // At once: a lock that nobody holds is anybody's.
      else void this.#held();
    });
    return { kind: "held", holder };
  }

  #lose(reason: string): void {
    this.#lost ??= { kind: "lock_lost", reason };
    this.#resolveLost(this.#lost);
  }
}
