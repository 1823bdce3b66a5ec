import type { HostProcess, ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { LeftoverPolicy } from "../domain/settings.ts";
import type { ProcessLook } from "./process-looks.ts";

/** More than these are counted in a reason, not named; the event has them all. */
const MOST_NAMED = 5;

/** What a look showed of the old process groups. */
type Answer =
  | { readonly kind: "none" }
  | { readonly kind: "left"; readonly processes: readonly HostProcess[]; readonly issuedAtMs: number }
  | { readonly kind: "unknown"; readonly reason: string; readonly issuedAtMs: number };

/**
 * Looks for what an instance's old processes have left behind: the processes of their process groups, which Supervisor
 * makes for each process that it starts, and of their sessions.
 *
 * One look that shows none is enough for good: the old process has ended, so nothing can join its group after that. As long
 * as a group has a member, the kernel gives its number to no other process. A number that a process has again is therefore
 * no leftover, and neither is what others with that number left behind later: a leftover of an old instance is older
 * than the process that took its place, or was seen in a group that had such a process.
 */
export class Leftovers {
  private readonly oldPids: readonly number[];
  private newPid: number | undefined;
  private answer: Answer | undefined;
  /** Groups in which something older than the new process was found. */
  private readonly ours = new Set<number>();
  /** Since when a look is needed that was not sent before. */
  private dueSinceMs: number | undefined;

  /** @param oldPids of the instance before this restart and, where they left something behind, before earlier ones */
  constructor(policy: LeftoverPolicy, oldPids: Iterable<number>) {
    this.oldPids = [...oldPids];
    if (policy === "ignore" || this.oldPids.length === 0) this.answer = { kind: "none" };
  }

  /** The question to ask now, if there is one. */
  get query(): ProcessQuery | undefined {
    if (this.dueSinceMs === undefined) return undefined;
    return { groups: this.oldPids, pids: this.newPid === undefined ? [] : [this.newPid] };
  }

  /** True once it is known that there are none, or the plan ignores them. */
  get areGone(): boolean {
    return this.answer?.kind === "none";
  }

  /** The last ones that were seen. */
  get seen(): readonly HostProcess[] {
    return this.answer?.kind === "left" ? this.answer.processes : [];
  }

  /** The old process has ended: what it has left is looked for, unless it is known already that there is nothing. */
  lookAgain(nowMs: number, newPid: number | undefined): void {
    this.newPid = newPid ?? this.newPid;
    if (!this.areGone) this.dueSinceMs ??= nowMs;
  }

  /** The new process has ended as well, so that no look can show it. */
  newHasEnded(nowMs: number): void {
    this.newPid = undefined;
    if (this.seen.length === 0) this.lookAgain(nowMs, undefined);
  }

  /** True if this answers the question asked here. */
  looked({ query, issuedAtMs }: ProcessLook, outcome: ProcessesOutcome): boolean {
    if (this.dueSinceMs === undefined || issuedAtMs < this.dueSinceMs) return false;
    if (!this.oldPids.every((pid) => query.groups.includes(pid))) return false;
    const answer = this.judge(outcome, query, issuedAtMs);
    if (!answer) return false;
    this.dueSinceMs = undefined;
    this.answer = answer;
    return true;
  }

  /** The leftovers at that time; "unknown" before a look that was sent after it has come back. */
  remaining(sinceMs: number): readonly HostProcess[] | "unknown" {
    if (this.answer?.kind === "none") return [];
    return this.answer?.kind === "left" && this.answer.issuedAtMs >= sinceMs ? this.answer.processes : "unknown";
  }

  /** Why nothing is known. */
  get whyUnknown(): string {
    return this.answer?.kind === "unknown" ? this.answer.reason : "its host's process table could not be read in time";
  }

  /** Undefined where the new process has been found since this was asked, and has to be in the answer. */
  private judge(outcome: ProcessesOutcome, { pids }: ProcessQuery, issuedAtMs: number): Answer | undefined {
    const unknown = (reason: string): Answer => ({ kind: "unknown", reason, issuedAtMs });
    if (outcome.kind !== "seen") return unknown(outcome.reason);
    const { processes } = outcome;
    const members = processes.filter(({ group, session }) =>
      this.oldPids.some((pid) => pid === group || pid === session),
    );
    if (members.length === 0) return { kind: "none" };
    if (this.newPid !== undefined && !pids.includes(this.newPid)) return undefined;
    const successor = processes.find(({ pid }) => pid === this.newPid);
    if (this.newPid !== undefined && !successor) return unknown(`pid ${this.newPid} is not in the process table`);
    const alive = processes.filter(({ pid }) => this.oldPids.includes(pid));
    if (alive[0] && !successor) return unknown(`its old pid ${alive[0].pid} is still in the process table`);
    for (const { pid, group, age_s } of members)
      if (pid !== this.newPid && (!successor || age_s >= successor.age_s)) this.ours.add(group);
    for (const process of alive) if (successor && !isOrphan(process, successor)) this.ours.delete(process.pid);
    const left = members.filter(({ group }) => this.ours.has(group));
    return left.length === 0 ? { kind: "none" } : { kind: "left", processes: left, issuedAtMs };
  }
}

/**
 * True for the old process itself: its supervisord was killed, which ends none of its processes, and the next one has
 * started another one. Its number alone proves nothing, since that may be another process's by now; that one is
 * not likely to run the same command.
 */
function isOrphan(old: HostProcess, { parent, command, age_s }: HostProcess): boolean {
  return old.parent !== parent && old.command === command && old.age_s > age_s;
}

/** `pid 4711 (python3 server.py), pid 4712 (sleep 60) and 3 more`. */
export function namesOf(processes: readonly Pick<HostProcess, "pid" | "command">[]): string {
  const named = processes.slice(0, MOST_NAMED).map(({ pid, command }) => `pid ${pid} (${command})`);
  const more = processes.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
