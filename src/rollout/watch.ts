import { programOf, type HostName, type InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import type { Failures } from "./failures.ts";

interface Expected {
  readonly pid: number;
  readonly isOfEarlierRollout: boolean;
}

/**
 * Watches what was declared healthy: one that is not RUNNING on that pid any more has regressed, which is a failure.
 * It judges every look that comes by; it does not ask for any.
 */
export class Watch {
  private readonly failures: Failures;
  private readonly expected = new Map<HostName, Map<InstanceName, Expected>>();

  constructor(failures: Failures) {
    this.failures = failures;
  }

  /** The hosts on which something is expected to stay healthy. */
  get hosts(): Iterable<HostName> {
    return this.expected.keys();
  }

  /** @param isOfEarlierRollout it was not this rollout that restarted it */
  expect(host: HostName, instance: InstanceName, pid: number, isOfEarlierRollout = false): void {
    const ofHost = this.expected.get(host) ?? new Map<InstanceName, Expected>();
    this.expected.set(host, ofHost.set(instance, { pid, isOfEarlierRollout }));
  }

  observe(host: HostName, outcome: LookOutcome): void {
    const expected = this.expected.get(host);
    // What cannot be seen has not regressed: a lost connection is no crash.
    if (!expected || outcome.kind !== "seen") return;
    const seen = new Map(outcome.snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    for (const [instance, { pid, isOfEarlierRollout }] of expected) {
      const snapshot = seen.get(instance);
      if (snapshot && isRunning(snapshot) && snapshot.pid === pid) continue;
      expected.delete(instance);
      const reason = `it was healthy on pid ${pid} and is ${now(snapshot)}`;
      const id = { host, program: programOf(instance), instance };
      const failure = {
        ...id,
        code: "regressed",
        reason,
        ...(snapshot && { state: snapshot.state }),
        seconds: 0,
        stillDrained: false,
        isOfEarlierRollout,
      } as const;
      // One of an earlier rollout is among the skipped of this one.
      this.failures.addInstance(failure, isOfEarlierRollout ? "skipped" : "healthy");
    }
    if (expected.size === 0) this.expected.delete(host);
  }
}

function now(snapshot: ProcessSnapshot | undefined): string {
  if (!snapshot) return "not listed any more";
  return snapshot.state === "RUNNING" ? `on pid ${snapshot.pid} now` : `${snapshot.state} now`;
}
