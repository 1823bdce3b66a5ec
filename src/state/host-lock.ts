import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostName, ProgramName } from "../domain/ids.ts";
import type { LockLost, SettleOutcome } from "../domain/outcomes.ts";
import { quoteArgv } from "../domain/shell-quotes.ts";
import type {
  Argv,
  HostAccess,
  HostLock,
  LockOwner,
  RunOutcome,
  RunUnderLock,
  TakeOutcome,
} from "../executor/ports.ts";
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

/** How long a controller and a holder bear to hear nothing of each other. */
export interface Silence {
  /** The holder lets go after so long. */
  readonly holderMs: number;
  /** The controller begins no change after so long, which is less. */
  readonly controllerMs: number;
  readonly beatEveryMs: number;
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

/** What timeout(1) returns when time was up: coreutils', busybox', and where the command had to be killed. */
const TIMED_OUT: readonly number[] = [124, 143, 137];

/** How long a host may take to answer whether it gives the lock. */
const ANSWER_MS = 30_000;

type Held =
  | { readonly kind: "held"; readonly holder: Holder }
  | LockLost
  /** We have let go ourselves. */
  | { readonly kind: "released" };

/** A holder that has not been told anything. */
type Spawned =
  { readonly kind: "spawned"; readonly holder: Holder } | { readonly kind: "failed"; readonly reason: string };

/** A moment by both clocks: the monotonic one stands still while a laptop sleeps, the other may be set. */
interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
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
  #holder: Holder | undefined;
  /** A process that has not been told to take the lock yet. */
  #prepared: Promise<Spawned> | undefined;
  #regaining: Promise<Held> | undefined;
  #lost: LockLost | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** When the last beat that was answered had been sent. */
  #heard: Moment = now();
  /** When the last beat was due. */
  #ticked: Moment = now();
  /** This process was stopped, or the machine slept, and no beat has been answered since. */
  #hasSlept = false;

  constructor(access: HostAccess, options: LockOptions) {
    this.host = access.host;
    this.lost = new Promise((resolve) => (this.#resolveLost = resolve));
    this.#access = access;
    this.#options = options;
    this.#silence = options.silence ?? DEFAULT_SILENCE;
  }

  prepare(groups: readonly ProgramName[]): void {
    if (this.#prepared || this.#holder) return;
    this.#groups = groups;
    this.#prepared = this.#spawn();
  }

  async take(groups: readonly ProgramName[]): Promise<TakeOutcome> {
    const holder = this.#holder;
    const hasAll = groups.every((group) => this.#groups.includes(group));
    if (holder && !holder.isOver && hasAll) return { kind: "held" };
    const prepared = hasAll && groups.length === this.#groups.length ? this.#prepared : undefined;
    if (prepared) this.#prepared = undefined;
    await this.release();
    this.#groups = groups;
    this.#released = new AbortController();
    const attempt = await this.#attempt(prepared);
    return attempt.kind === "held" ? { kind: "held" } : attempt;
  }

  async run(argv: Argv, { timeoutMs, stdin = "", inSession }: RunUnderLock = {}): Promise<RunOutcome | LockLost> {
    const held = await this.#held();
    if (held.kind === "lock_lost") return held;
    if (held.kind === "released") return { kind: "unreachable", reason: "the lock was released" };
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
    const before = this.#holder;
    const held = await this.#held();
    if (held.kind === "lock_lost") return held;
    // A lock that could be had anew was free: the last command of its former holder has ended.
    const proves = held.kind === "held" && (this.#groups.length > 0 || held.holder === before);
    return { kind: proves ? "settled" : "unprovable" };
  }

  async release(): Promise<void> {
    this.#released.abort();
    clearInterval(this.#heartbeat);
    const holder = this.#holder;
    this.#holder = undefined;
    // Not awaited: where the host is being connected to again, that may take long.
    void this.#prepared?.then((prepared) => prepared.kind === "spawned" && prepared.holder.finish());
    this.#prepared = undefined;
    if (!holder || holder.isOver) return;
    holder.finish();
    if (!holder.isBusy) await Promise.race([holder.ended, sleep(RELEASE_MS, undefined, { ref: false })]);
  }

  /** The holder, as soon as there is one that is known to be there. */
  async #held(): Promise<Held> {
    for (;;) {
      this.#noticeSleep();
      const holder = this.#holder;
      if (this.#lost) return this.#lost;
      if (this.#released.signal.aborted) return { kind: "released" };
      if (!holder || holder.isOver) {
        this.#regaining ??= this.#regain().finally(() => (this.#regaining = undefined));
        return this.#regaining;
      }
      if (!this.#hasSlept && elapsedMs(this.#heard) < this.#silence.controllerMs) return { kind: "held", holder };
      await Promise.race([this.#beat(holder), holder.ended]);
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
    const spawned = early?.kind === "spawned" && !early.holder.isOver ? early : await this.#spawn();
    if (spawned.kind === "failed") return { kind: "unavailable", reason: spawned.reason };
    const { holder } = spawned;
    const taken = await Promise.race([holder.take(recordOf(this.#options.owner)), noAnswer()]);
    if (taken.kind === "held" && !this.#released.signal.aborted) return this.#keep(holder);
    holder.finish();
    if (taken.kind === "locked") {
      const group = this.#groups.find((name) => fileName(name) === taken.group) ?? (taken.group as ProgramName);
      const by = newestOwner(taken.records);
      return { kind: "locked", holder: { group, ...(by && { owner: by }) } };
    }
    return { kind: "unavailable", reason: taken.kind === "broken" ? taken.reason : "the lock was released" };
  }

  async #spawn(): Promise<Spawned> {
    const { session = [] } = this.#options;
    const token = `orchestrate-${randomBytes(9).toString("hex")}`;
    const spawned = await this.#access.spawn(await this.#argv(token));
    if (spawned.kind === "failed") return spawned;
    return { kind: "spawned", holder: new Holder(token, spawned.process, session.length > 0) };
  }

  async #argv(token: string): Promise<Argv> {
    const { directory, supervisorPid, fallbackName, session = [] } = this.#options;
    const silenceS = String(this.#silence.holderMs / 1000);
    const pid = this.#groups.length > 0 ? ((await supervisorPid()) ?? "") : "";
    const args = [token, silenceS, directory, fallbackName, String(pid), this.#groups.map(fileName).join(" ")];
    return ["sh", "-c", HOLDER_SCRIPT, "orchestrate", ...args, ...session];
  }

  #keep(holder: Holder): Extract<Held, { kind: "held" }> {
    this.#holder = holder;
    const open = () => holder.openSession();
    void (this.#options.inTurn?.(open) ?? open());
    this.#heard = this.#ticked = now();
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => this.#tick(holder), this.#silence.beatEveryMs);
    void holder.ended.then(() => {
      clearInterval(this.#heartbeat);
      if (this.#released.signal.aborted) return;
      if (holder.hasLetGo || this.#hasSlept)
        this.#lose(`${this.host} heard nothing of this controller and let go of the lock: it was stopped or asleep`);
      // At once: a lock that nobody holds is anybody's.
      else void this.#held();
    });
    return { kind: "held", holder };
  }

  #tick(holder: Holder): void {
    this.#noticeSleep();
    this.#ticked = now();
    // Its connection may look good for long after its host is gone.
    if (!this.#hasSlept && elapsedMs(this.#heard) >= this.#silence.controllerMs) holder.destroy();
    else void this.#beat(holder);
  }

  async #beat(holder: Holder): Promise<void> {
    const sent = now();
    await holder.beat();
    this.#heard = sent;
    this.#hasSlept = false;
  }

  #noticeSleep(): void {
    if (this.#holder && elapsedMs(this.#ticked) >= this.#silence.controllerMs) this.#hasSlept = true;
  }

  #lose(reason: string): void {
    this.#lost ??= { kind: "lock_lost", reason };
    this.#resolveLost(this.#lost);
  }
}

function now(): Moment {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}

function elapsedMs(since: Moment): number {
  return Math.max(Date.now() - since.wallMs, performance.now() - since.monotonicMs);
}

async function noAnswer(): Promise<{ readonly kind: "broken"; readonly reason: string }> {
  await sleep(ANSWER_MS, undefined, { ref: false });
  return { kind: "broken", reason: `the host gave no answer within ${ANSWER_MS / 1000} s` };
}
