import { formatDuration, formatElapsed } from "../domain/duration.ts";
import { NO_PROCESS, RUNNING_ON_NOTHING, type ProcessSnapshot } from "../domain/process-state.ts";
import type { Timings } from "../domain/rollout.ts";
import { explain, whyNotExpected, type ExitExplanation } from "./explained.ts";
import { describeState, failed, quotedFrom, type Failed, type Gate, type GateVerdict } from "./verdict.ts";

/** What an instance may do other than keep running. */
export interface ExitRules {
  /** It may end with an exit that Supervisor expects, if it is started again (`on_expected_exit: accept`). */
  readonly mayExit: boolean;
  /** It had ended before the rollout, and may do so again. */
  readonly mayComplete: boolean;
  /** The line of supervisord's log with its start before the restart: another start is this restart's. */
  readonly startBefore?: string;
  /**
   * Its group is updated: between its two configurations Supervisor does not list it, and it is not started before all of
   * its group have stopped.
   */
  readonly isUpdate?: true;
}

/** After so many processes in a row that end before `min_healthy_time` it flaps, however they end. */
const MOST_SHORT_LIVES = 1;

/** Soonest that an instance that does not run yet is looked at again; the pause then grows up to `between_checks`. */
const FIRST_LOOK_AGAIN_MS = 250;

/**
 * Judges one restarted instance by what looks show of it, never by what supervisorctl said.
 *
 * Healthy is: RUNNING on a new pid, and still on it `min_healthy_time` after it was first seen so.
 * Until the restart command has returned only the deadlines are judged, because a look then sees the
 * STOPPED and STARTING of a healthy restart. A lost channel is no return: the command may still act on the
 * host, so the old pid and STOPPED are taken for its result only once it is known that it can act no more.
 */
export class NewProcessGate implements Gate {
  private readonly timings: Timings;
  private readonly previousPid: number | undefined;
  private readonly sentAtMs: number;
  private returned: { readonly atMs: number; readonly said: string } | undefined;
  private lost: { readonly atMs: number; readonly reason: string } | undefined;
  private stopEndedAtMs: number | undefined;
  private readonly rules: ExitRules;
  /** The new process that was seen RUNNING, or the one in its place; `seenAtMs` is when the answer of the last look at it came. */
  private found:
    { readonly pid: number; readonly sinceMs: number; readonly uptimeS: number; seenAtMs: number } | undefined;
  /** What the last look after the command's end showed; undefined while there was none. */
  private lastSeen: string | undefined;
  /** All that is known of the processes that have died while they were being started; undefined while none has. */
  private deaths: string | undefined;
  /** How many processes have ended in a row, as expected, before they were proven. */
  private shortLives = 0;

  constructor(
    timings: Timings,
    previousPid: number | undefined,
    sentAtMs: number,
    rules: ExitRules = { mayExit: false, mayComplete: false },
  ) {
    this.timings = timings;
    this.rules = rules;
    this.previousPid = previousPid;
    this.sentAtMs = sentAtMs;
  }

  get newPid(): number | undefined {
    return this.found?.pid;
  }

  commandReturned(said: string, nowMs: number): void {
    this.lost = undefined;
    this.returned = { atMs: nowMs, said };
    this.stopEndedAtMs ??= nowMs;
  }

  commandLost(reason: string, nowMs: number): void {
    this.lost = { atMs: nowMs, reason };
  }

  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean {
    const { found, rules } = this;
    if (this.endedAtMs() === undefined) return false;
    if (snapshot.state === "EXITED") return found !== undefined || rules.mayComplete;
    if (!found) return snapshot.state === "BACKOFF";
    if (snapshot.state === "RUNNING")
      return snapshot.pid !== found.pid || isTooYoung(snapshot.uptime_s ?? 0, issuedAtMs - found.seenAtMs);
    return snapshot.state === "STARTING";
  }

  observe(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): GateVerdict {
    if (snapshot && this.stopEndedAtMs === undefined && !this.isBeforeStopEnd(snapshot) && !this.rules.isUpdate)
      this.stopEndedAtMs = nowMs;
    const endedAtMs = this.endedAtMs();
    if (endedAtMs === undefined || issuedAtMs < endedAtMs) return this.verdictByTime(nowMs);
    // An update that was lost half way has removed it, and not added it yet.
    if (!snapshot && this.rules.isUpdate && this.lost) return this.verdictByTime(nowMs);
    if (!snapshot) return failed("vanished", "it was in `supervisorctl status` before its restart and no longer is");
    this.lastSeen = describeState(snapshot);
    return this.judge(snapshot, issuedAtMs, nowMs) ?? this.verdictByTime(nowMs);
  }

  verdictByTime(nowMs: number): GateVerdict {
    const { stop_deadline_ms, healthy_deadline_ms, between_checks_ms, min_healthy_time_ms } = this.timings;
    const deadlineMs =
      this.stopEndedAtMs === undefined ? this.sentAtMs + stop_deadline_ms : this.stopEndedAtMs + healthy_deadline_ms;
    if (nowMs >= deadlineMs) return this.overdue();
    const provenAtMs = this.found ? this.found.sinceMs + min_healthy_time_ms : Infinity;
    return {
      kind: "wait",
      lookAtMs: Math.min(
        deadlineMs,
        nowMs + Math.min(between_checks_ms, this.pauseMs(nowMs)),
        Math.max(nowMs, provenAtMs),
      ),
    };
  }

  /** Short only where it makes the rollout faster: while a start is awaited that the command did not wait for. */
  private pauseMs(nowMs: number): number {
    const endedAtMs = this.endedAtMs();
    return endedAtMs === undefined || this.found ? Infinity : Math.max(FIRST_LOOK_AGAIN_MS, nowMs - endedAtMs);
  }

  private endedAtMs(): number | undefined {
    return this.returned?.atMs ?? this.lost?.atMs;
  }

  private isBeforeStopEnd(snapshot: ProcessSnapshot): boolean {
    return snapshot.state === "STOPPING" || (snapshot.state === "RUNNING" && snapshot.pid === this.previousPid);
  }

  private judge(snapshot: ProcessSnapshot, issuedAtMs: number, nowMs: number): GateVerdict | undefined {
    switch (snapshot.state) {
      case "RUNNING":
        return this.judgeRunning(snapshot, issuedAtMs, nowMs);
      case "STARTING":
        return this.found && this.judgeReplaced(snapshot, "it was STARTING again", nowMs);
      case "BACKOFF":
        if (!this.found) this.deaths = deathsIn(snapshot, this.previousPid);
        return this.found && failed("flapping", `${this.foundFor(nowMs)}, then it was BACKOFF again`);
      case "STOPPING":
        return undefined;
      case "STOPPED":
        return this.lost ? undefined : failed("stayed_stopped", this.became(snapshot, nowMs));
      case "EXITED":
        return this.rules.mayComplete ? this.judgeCompleted(snapshot, nowMs) : this.judgeExited(snapshot, nowMs);
      case "FATAL":
        return failed("fatal", this.became(snapshot, nowMs));
      case "UNKNOWN":
        return failed("unknown_state", this.became(snapshot, nowMs));
    }
  }

  private became(snapshot: ProcessSnapshot, nowMs: number): string {
    return this.found
      ? `${this.foundFor(nowMs)}, then it was ${describeState(snapshot)}`
      : `it is ${describeState(snapshot)}${this.quoted()}`;
  }

  private judgeRunning(snapshot: ProcessSnapshot, issuedAtMs: number, nowMs: number): GateVerdict | undefined {
    const { pid, uptime_s: uptimeS = 0 } = snapshot;
    if (pid === undefined) return undefined;
    if (pid === NO_PROCESS) return failed("unknown_state", `it is ${RUNNING_ON_NOTHING}`);
    if (!this.found) {
      if (pid !== this.previousPid) this.found = { pid, sinceMs: nowMs, uptimeS, seenAtMs: nowMs };
      else if (this.lost) return undefined;
      else return failed("not_restarted", `it is still on its old pid ${pid}${this.quoted()}`);
    }
    if (pid !== this.found.pid) return this.judgeReplaced(snapshot, `it was on pid ${pid}`, nowMs);
    if (isTooYoung(uptimeS, issuedAtMs - this.found.seenAtMs) && explain(pid, snapshot).kind !== "same")
      return this.judgeReplaced(snapshot, `pid ${pid} was another process, up ${uptimeS} s`, nowMs);
    this.found.seenAtMs = nowMs;
    // From when the first look had come to when this one was sent: the shortest time that it can have been.
    const proven =
      this.timings.min_healthy_time_ms === 0 || issuedAtMs - this.found.sinceMs >= this.timings.min_healthy_time_ms;
    return proven ? { kind: "healthy", pid } : undefined;
  }

  /** Its process has ended, and Supervisor has started another one, or is about to. @param then what was seen of it */
  private judgeReplaced(snapshot: ProcessSnapshot, then: string, nowMs: number): GateVerdict | undefined {
    const { found } = this;
    if (!found) return undefined;
    const what = `${this.foundFor(nowMs)}, then ${then}`;
    const explanation = explain(found.pid, snapshot);
    if (!this.rules.mayExit) return { ...failed("flapping", what), ...expectedIn(explanation) };
    if (explanation.kind === "lost") return undefined;
    if (explanation.kind !== "expected") return failed("flapping", what + whyNotExpected(explanation));
    const lived = nowMs - found.sinceMs >= this.timings.min_healthy_time_ms ? 1 : 0;
    const shortLives = this.shortLives + explanation.exits - lived;
    if (shortLives > MOST_SHORT_LIVES)
      return failed(
        "flapping",
        `${what}: ${shortLives} of its processes in a row have ended (${explanation.how}) before min_healthy_time`,
      );
    if (snapshot.state !== "RUNNING" || snapshot.pid === undefined) return undefined;
    this.shortLives = lived === 1 ? explanation.exits - 1 : shortLives;
    this.found = { pid: snapshot.pid, sinceMs: nowMs, uptimeS: snapshot.uptime_s ?? 0, seenAtMs: nowMs };
    return this.timings.min_healthy_time_ms === 0 ? { kind: "healthy", pid: snapshot.pid } : undefined;
  }

  /** It has ended, and Supervisor does not start it again. */
  private judgeExited(snapshot: ProcessSnapshot, nowMs: number): GateVerdict {
    const explanation = this.found && explain(this.found.pid, snapshot);
    const failure = failed("exited", this.became(snapshot, nowMs));
    return this.rules.mayExit || !explanation ? failure : { ...failure, ...expectedIn(explanation) };
  }

  /** It may do so, if this restart has started it, and Supervisor expects its exit. */
  private judgeCompleted(snapshot: ProcessSnapshot, nowMs: number): GateVerdict | undefined {
    const { history = { kind: "unread", reason: "it was not read" } } = snapshot;
    if (history.kind === "lost") return undefined;
    const fails = (why: string) => failed("exited", `${this.became(snapshot, nowMs)}; supervisord's log ${why}`);
    if (history.kind === "unread") return fails(`does not say how it ended: ${history.reason}`);
    const last = history.processes.at(-1);
    const { startBefore } = this.rules;
    // Where the log was not read before the restart, its last start may be of before.
    if (last?.start === undefined || startBefore === undefined || last.start === startBefore)
      return fails("has no start of it since its restart: it may have been rotated");
    return last.end === "expected" ? { kind: "completed" } : fails(`calls its end ${last.end}: ${last.how}`);
  }

  isOverdue(nowMs: number): boolean {
    return this.stopEndedAtMs !== undefined && nowMs >= this.stopEndedAtMs + this.timings.healthy_deadline_ms;
  }

  private overdue(): GateVerdict {
    const { stop_deadline_ms, healthy_deadline_ms } = this.timings;
    if (this.stopEndedAtMs === undefined && !this.lost)
      return failed(
        "stop_deadline",
        `it has not stopped ${formatElapsed(stop_deadline_ms)} after the restart was sent`,
      );
    if (this.lost && !this.found)
      return failed(
        "indeterminate",
        `${this.lost.reason}; it was ${this.lastSeen ?? "not seen"} since, and its restart may still take effect`,
      );
    if (this.lastSeen === undefined && this.returned)
      return failed(
        "indeterminate",
        `no look at it succeeded within ${formatElapsed(healthy_deadline_ms)} of its restart`,
      );
    if (this.deaths !== undefined && !this.found)
      return failed(
        "flapping",
        `it died at each start${this.deaths}, still so at healthy_deadline (${formatDuration(healthy_deadline_ms)}): it is ${this.lastSeen}${this.quoted()}`,
      );
    return failed(
      "healthy_deadline",
      `it was not healthy ${formatElapsed(healthy_deadline_ms)} after its stop: it is ${this.lastSeen ?? "still being started"}${this.quoted()}`,
    );
  }

  private foundFor(nowMs: number): string {
    if (!this.found) return "";
    return `it was RUNNING on pid ${this.found.pid} for at most ${formatElapsed(nowMs - this.found.sinceMs + this.found.uptimeS * 1000)}`;
  }

  quoted(): string {
    return quotedFrom(this.returned?.said);
  }
}

/**
 * True for a process that was started after the look before, which was so long ago: the kernel may give the same pid
 * twice. That its uptime fell says nothing: that is wall-clock time, and the host's clock may have been set back.
 * Supervisor cuts both of its times to whole seconds, and says 0 for as long as the clock is behind the process's start.
 */
function isTooYoung(uptimeS: number, seenMsAgo: number): boolean {
  return uptimeS > 0 && (uptimeS + 1) * 1000 < seenMsAgo;
}

/** ` (exit status 3), 4 times`, as far as supervisord's log says it. */
function deathsIn({ history }: ProcessSnapshot, previousPid: number | undefined): string {
  if (history?.kind !== "read") return "";
  const { processes } = history;
  const how = processes.findLast(({ end }) => end !== undefined)?.how;
  const before = processes.findLastIndex(({ pid }) => pid === previousPid);
  const count = previousPid === undefined || before === -1 ? 0 : processes.length - 1 - before;
  return `${how === undefined ? "" : ` (${how})`}${count > 1 ? `, ${count} times` : ""}`;
}

function expectedIn(explanation: ExitExplanation): Pick<Failed, "expectedExit"> {
  return explanation.kind === "expected" ? { expectedExit: explanation.how } : {};
}
