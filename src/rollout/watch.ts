import type { InstanceFailureCode } from "../domain/failures.ts";
import { programOf, type HostName, type InstanceName } from "../domain/ids.ts";
import { foldNames } from "../domain/node-set.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import {
  isNotStarted,
  isRunning,
  NO_PROCESS,
  type ProcessSnapshot,
  type ProcessState,
} from "../domain/process-state.ts";
import type { ProvenInstance } from "../domain/rollout.ts";
import { ExitPace } from "./exit-pace.ts";
import { explain, whyNotExpected } from "./explained.ts";
import type { InstanceFailure } from "./failures.ts";
import type { OutcomeRecorder } from "./outcome-recorder.ts";
import type { Supervisors } from "./supervisors.ts";

interface Expected {
  pid: number;
  readonly mayComplete: boolean;
  /** Undefined for one that may not exit. */
  readonly pace: ExitPace | undefined;
  readonly isOfEarlierRollout: boolean;
  /** An exit of it was seen since it is expected. */
  hasExited?: boolean;
  /** How often the host's supervisord had been found restarted by then. */
  readonly restarts: number;
}

/** One that is not what it was expected to be. */
interface Regressed extends Pick<Expected, "isOfEarlierRollout"> {
  readonly instance: InstanceName;
  readonly reason: string;
  readonly expectedExit: string | undefined;
  /** What was seen of it now, if anything was. */
  readonly state: ProcessState | undefined;
}

/**
 * Watches healthy instances: one that is no longer RUNNING on its pid has regressed, which is a failure. Where
 * its supervisord was restarted or has ended, all that it ran have regressed at once: that is one failure of the host.
 * It judges every look that comes by; it does not ask for any.
 */
export class Watch {
  private readonly outcomes: OutcomeRecorder;
  private readonly supervisors: Supervisors;
  private readonly expected = new Map<HostName, Map<InstanceName, Expected>>();

  constructor(outcomes: OutcomeRecorder, supervisors: Supervisors) {
    this.outcomes = outcomes;
    this.supervisors = supervisors;
  }

  /** The hosts on which something is expected to stay healthy. */
  get hosts(): Iterable<HostName> {
    return this.expected.keys();
  }

  /** @param isOfEarlierRollout it was not this rollout that restarted it */
  expect(
    { host, instance, pid, exits_at_most_every_ms: everyMs, may_complete }: ProvenInstance,
    nowMs: number,
    isOfEarlierRollout = false,
  ): void {
    const ofHost = this.expected.get(host) ?? new Map<InstanceName, Expected>();
    const restarts = this.supervisors.restartsOf(host);
    const pace = everyMs === undefined ? undefined : new ExitPace(everyMs, nowMs);
    const expected = { pid, mayComplete: may_complete === true, pace, isOfEarlierRollout, restarts };
    this.expected.set(host, ofHost.set(instance, expected));
  }

  /** True where only supervisord's own log says what has become of a process. */
  needsHistory(host: HostName, snapshots: readonly ProcessSnapshot[]): boolean {
    const expected = this.expected.get(host);
    return (
      expected !== undefined && snapshots.some((snapshot) => isReplaced(expected.get(snapshot.instance), snapshot))
    );
  }

  /** `supervisors` has observed this look already. */
  observe(host: HostName, outcome: LookOutcome, nowMs: number): void {
    if (outcome.kind === "seen") this.observeStates(host, outcome.snapshots, nowMs);
    // What cannot be seen has not regressed: a lost connection is no crash. But without supervisord nothing is healthy.
    else if (outcome.kind === "unavailable" && outcome.hasEnded) this.observeEnd(host, outcome.reason);
  }

  private observeStates(host: HostName, snapshots: readonly ProcessSnapshot[], nowMs: number): void {
    const expected = this.expected.get(host);
    if (!expected) return;
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    const restart = this.supervisors.restartOf(host);
    const leftDown: Regressed[] = [];
    const startedAgain: Regressed[] = [];
    for (const [instance, its] of expected) {
      const snapshot = seen.get(instance);
      if (snapshot && isRunning(snapshot) && snapshot.pid === its.pid) continue;
      const judged = snapshot && isReplaced(its, snapshot) ? judge(its, snapshot, nowMs) : FAILED;
      if (judged.kind === "continues") continue;
      expected.delete(instance);
      if (judged.kind === "completed") continue;
      const reason = `it was healthy on pid ${its.pid} and is ${now(snapshot)}${judged.why ?? ""}`;
      const isByRestart = restart !== undefined && its.restarts < this.supervisors.restartsOf(host);
      const one = {
        ...its,
        instance,
        reason: isByRestart ? `${restart}: ${reason}` : reason,
        state: snapshot?.state,
        expectedExit: judged.expectedExit,
      };
      if (!isByRestart) this.fail(host, "regressed", [one]);
      else if (snapshot && isNotStarted(snapshot)) leftDown.push(one);
      else startedAgain.push(one);
    }
    if (expected.size === 0) this.expected.delete(host);
    this.fail(host, "supervisor_restarted", leftDown);
    this.fail(host, "regressed", startedAgain);
  }

  private observeEnd(host: HostName, why: string): void {
    const reason = `supervisord itself ended, and everything on this host is down: ${why}`;
    const expected = [...(this.expected.get(host) ?? [])];
    this.expected.delete(host);
    this.fail(
      host,
      "regressed",
      expected.map(([instance, its]) => ({ ...its, instance, reason, state: undefined, expectedExit: undefined })),
    );
  }

  /** One failure, with the reason of the first. */
  private fail(host: HostName, code: InstanceFailureCode, regressed: readonly Regressed[]): void {
    const [first, ...others] = regressed;
    if (!first) return;
    const also = others.map(({ instance }) => instance);
    const more = also.length === 0 ? "" : `; likewise ${foldNames(also).join(" ")}`;
    const failure: InstanceFailure = {
      host,
      program: programOf(first.instance),
      instance: first.instance,
      code,
      ...(first.state !== undefined && others.every(({ state }) => state === first.state) && { state: first.state }),
      reason: `${first.reason}${more}`,
      seconds: 0,
      stillDrained: false,
      wasProven: true,
      ...(first.expectedExit !== undefined && { expectedExit: first.expectedExit }),
      isOfEarlierRollout: regressed.some(({ isOfEarlierRollout }) => isOfEarlierRollout),
      ...(also.length > 0 && { also }),
    };
    this.outcomes.failed(failure);
  }
}

/** What has become of one that is no longer on the pid on which it was proven. */
type Judged =
  | { readonly kind: "continues" }
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly why?: string; readonly expectedExit?: string };

const CONTINUES: Judged = { kind: "continues" };
const FAILED: Extract<Judged, { kind: "failed" }> = { kind: "failed" };

/** Its process has ended, and Supervisor has started another one, is about to, or leaves it so. */
function isReplaced(expected: Expected | undefined, { state, pid }: ProcessSnapshot): boolean {
  if (!expected) return false;
  return (
    state === "STARTING" || state === "EXITED" || (state === "RUNNING" && pid !== NO_PROCESS && pid !== expected.pid)
  );
}

function judge(expected: Expected, snapshot: ProcessSnapshot, nowMs: number): Judged {
  const { pace, mayComplete } = expected;
  const explanation = explain(expected.pid, snapshot);
  if (explanation.kind === "lost" && (pace || mayComplete)) return CONTINUES;
  if (explanation.kind !== "expected")
    return pace || mayComplete ? { kind: "failed", why: whyNotExpected(explanation) } : FAILED;
  const { exits, how } = explanation;
  if (snapshot.state === "EXITED" && mayComplete) return { kind: "completed" };
  if (!pace) return { kind: "failed", expectedExit: how };
  if (snapshot.state === "EXITED")
    return { kind: "failed", why: `: it exited as expected (${how}), but was not restarted` };
  if (snapshot.state === "STARTING" || snapshot.pid === undefined) return CONTINUES;
  // Of what an earlier rollout has proven, all but the last exit may have come long before this one began.
  const counted = expected.isOfEarlierRollout && !expected.hasExited ? 1 : exits;
  expected.hasExited = true;
  if (!pace.exited(counted, nowMs))
    return { kind: "failed", why: `: it exits as expected (${how}), but more often than every min_healthy_time` };
  expected.pid = snapshot.pid;
  return CONTINUES;
}

function now(snapshot: ProcessSnapshot | undefined): string {
  if (!snapshot) return "no longer listed";
  if (isNotStarted(snapshot)) return "STOPPED now (Not started)";
  return snapshot.state === "RUNNING" ? `on pid ${snapshot.pid} now` : `${snapshot.state} now`;
}
