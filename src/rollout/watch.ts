import { programOf, type HostName, type InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { Command } from "./messages.ts";
import type { Tally } from "./tally.ts";

/**
 * Watches what was declared healthy: one that is not RUNNING on that pid any more has regressed, which is a failure.
 * It judges every look that comes by; it does not ask for any.
 */
export class Watch {
  private readonly tally: Tally;
  private readonly issue: (command: Command) => void;
  private readonly expected = new Map<HostName, Map<InstanceName, number>>();
  /** Regressions whose log is awaited, with whether they halt the rollout. */
  private readonly regressed = new Map<
    HostName,
    Map<InstanceName, { readonly reason: string; readonly halts: boolean }>
  >();

  constructor(tally: Tally, issue: (command: Command) => void) {
    this.tally = tally;
    this.issue = issue;
  }

  /** The hosts on which something is expected to stay healthy. */
  get hosts(): Iterable<HostName> {
    return this.expected.keys();
  }

  /** True while the log of a regression is awaited. */
  get isBusy(): boolean {
    return this.regressed.size > 0;
  }

  expect(host: HostName, instance: InstanceName, pid: number): void {
    entryOf(this.expected, host).set(instance, pid);
  }

  observe(host: HostName, outcome: LookOutcome): void {
    const expected = this.expected.get(host);
    // What cannot be seen has not regressed: a lost connection is no crash.
    if (!expected || outcome.kind !== "seen") return;
    const seen = new Map(outcome.snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    for (const [instance, pid] of expected) {
      const snapshot = seen.get(instance);
      if (snapshot?.state === "RUNNING" && snapshot.pid === pid) continue;
      expected.delete(instance);
      this.regress(host, instance, `it was healthy on pid ${pid} and is ${now(snapshot)}`);
    }
    if (expected.size === 0) this.expected.delete(host);
  }

  logRead(host: HostName, instance: InstanceName, text: string): void {
    const ofHost = this.regressed.get(host);
    const failure = ofHost?.get(instance);
    if (!ofHost || !failure) return;
    ofHost.delete(instance);
    if (ofHost.size === 0) this.regressed.delete(host);
    const { reason, halts } = failure;
    const id = { host, program: programOf(instance), instance };
    this.issue({
      type: "emit",
      event: { type: "instance.failed", ...id, code: "regressed", reason, seconds: 0, log_tail: text },
    });
    if (halts)
      this.issue({
        type: "emit",
        event: { type: "rollout.halted", code: "regressed", reason: placed(host, instance, reason) },
      });
  }

  private regress(host: HostName, instance: InstanceName, reason: string): void {
    const halts = this.tally.addFailedAfterAll("healthy", "regressed", placed(host, instance, reason));
    entryOf(this.regressed, host).set(instance, { reason, halts });
    this.issue({ type: "read_log", host, instance });
  }
}

function entryOf<V>(map: Map<HostName, Map<InstanceName, V>>, host: HostName): Map<InstanceName, V> {
  const known = map.get(host);
  if (known) return known;
  const made = new Map<InstanceName, V>();
  map.set(host, made);
  return made;
}

function placed(host: HostName, instance: InstanceName, reason: string): string {
  return `${host} ${instance}: ${reason}`;
}

function now(snapshot: ProcessSnapshot | undefined): string {
  if (!snapshot) return "not listed any more";
  return snapshot.state === "RUNNING" ? `on pid ${snapshot.pid} now` : `${snapshot.state} now`;
}
