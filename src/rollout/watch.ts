import type { InstanceFailureCode } from "../domain/failures.ts";
import { programOf, type HostName, type InstanceName } from "../domain/ids.ts";
import { foldNames } from "../domain/node-set.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { isNotStarted, isRunning, type ProcessSnapshot, type ProcessState } from "../domain/process-state.ts";
import type { CountedAs, Failures, InstanceFailure } from "./failures.ts";
import type { Supervisors } from "./supervisors.ts";

interface Expected {
  readonly pid: number;
  readonly isOfEarlierRollout: boolean;
  /** How often the host's supervisord had been found restarted by then. */
  readonly restarts: number;
}

/** One that is not what it was expected to be. */
interface Regressed extends Pick<Expected, "isOfEarlierRollout"> {
  readonly instance: InstanceName;
  readonly reason: string;
  /** What was seen of it now, if anything was. */
  readonly state: ProcessState | undefined;
}

/**
 * Watches what was declared healthy: one that is not RUNNING on that pid any more has regressed, which is a failure. Where
 * its supervisord was restarted or has ended, all that it ran have regressed at once: that is one failure of the host.
 * It judges every look that comes by; it does not ask for any.
 */
export class Watch {
  private readonly failures: Failures;
  private readonly supervisors: Supervisors;
  private readonly expected = new Map<HostName, Map<InstanceName, Expected>>();

  constructor(failures: Failures, supervisors: Supervisors) {
    this.failures = failures;
    this.supervisors = supervisors;
  }

  /** The hosts on which something is expected to stay healthy. */
  get hosts(): Iterable<HostName> {
    return this.expected.keys();
  }

  /** @param isOfEarlierRollout it was not this rollout that restarted it */
  expect(host: HostName, instance: InstanceName, pid: number, isOfEarlierRollout = false): void {
    const ofHost = this.expected.get(host) ?? new Map<InstanceName, Expected>();
    const restarts = this.supervisors.restartsOf(host);
    this.expected.set(host, ofHost.set(instance, { pid, isOfEarlierRollout, restarts }));
  }

  /** What is known of the host's supervisord is at least as new as this look. */
  observe(host: HostName, outcome: LookOutcome): void {
    if (outcome.kind === "seen") this.observeStates(host, outcome.snapshots);
    // What cannot be seen has not regressed: a lost connection is no crash. But without supervisord nothing is healthy.
    else if (outcome.kind === "unavailable" && outcome.hasEnded) this.observeEnd(host, outcome.reason);
  }

  private observeStates(host: HostName, snapshots: readonly ProcessSnapshot[]): void {
    const expected = this.expected.get(host);
    if (!expected) return;
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    const restart = this.supervisors.restartOf(host);
    const leftDown: Regressed[] = [];
    const startedAgain: Regressed[] = [];
    for (const [instance, its] of expected) {
      const snapshot = seen.get(instance);
      if (snapshot && isRunning(snapshot) && snapshot.pid === its.pid) continue;
      expected.delete(instance);
      const reason = `it was healthy on pid ${its.pid} and is ${now(snapshot)}`;
      const isByRestart = restart !== undefined && its.restarts < this.supervisors.restartsOf(host);
      const one = { ...its, instance, reason: isByRestart ? `${restart}: ${reason}` : reason, state: snapshot?.state };
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
      expected.map(([instance, its]) => ({ ...its, instance, reason, state: undefined })),
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
      isOfEarlierRollout: regressed.some(({ isOfEarlierRollout }) => isOfEarlierRollout),
      ...(also.length > 0 && { also }),
    };
    // One of an earlier rollout is among the skipped of this one.
    const countedAs = regressed.map(({ isOfEarlierRollout }): CountedAs =>
      isOfEarlierRollout ? "skipped" : "healthy",
    );
    this.failures.addInstance(failure, ...countedAs);
  }
}

function now(snapshot: ProcessSnapshot | undefined): string {
  if (!snapshot) return "not listed any more";
  if (isNotStarted(snapshot)) return "STOPPED now (Not started)";
  return snapshot.state === "RUNNING" ? `on pid ${snapshot.pid} now` : `${snapshot.state} now`;
}
