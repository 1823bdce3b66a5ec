import assert from "node:assert/strict";
import type { HostName, InstanceName, ProgramName } from "../../src/domain/ids.ts";
import type { ProcessHistory } from "../../src/domain/process-history.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { CapacityLedger } from "../../src/rollout/capacity.ts";

const HOST = "host-1" as HostName;
const [ONE, TWO] = ["job:0", "job:1"] as [InstanceName, InstanceName];
const ENDED: ProcessHistory = [{ pid: 100, start: "spawned", end: "expected", how: "exit status 0" }];

describe("a worker that is started again after an expected exit, where the plan accepts that", () => {
  let capacity: CapacityLedger;

  beforeEach(() => {
    const floor = { program: "job" as ProgramName, total: 2, min_healthy: 1, on_expected_exit: "accept" as const };
    capacity = new CapacityLedger([floor]);
    look({ instance: TWO, state: "RUNNING", pid: 100 }, 0);
  });

  /** @param two what it shows of the second; the first runs */
  function look(two: ProcessSnapshot, atMs: number): void {
    const snapshots = [{ instance: ONE, state: "RUNNING" as const, pid: 1 }, two];
    capacity.observe(HOST, { kind: "seen", snapshots }, atMs);
  }

  const starting = (processes: ProcessHistory): ProcessSnapshot => ({
    instance: TWO,
    state: "STARTING",
    history: { kind: "read", processes },
  });

  it("is as good as healthy for the second that this takes", () => {
    look(starting(ENDED), 1000);
    assert.equal(capacity.shortage(HOST, [ONE]), undefined);
  });

  it("is not where it takes longer than ten seconds, until it runs", () => {
    for (const atMs of [1000, 8000, 12_000]) look(starting(ENDED), atMs);
    assert.equal(capacity.shortage(HOST, [ONE])?.healthy, 1);
    look({ instance: TWO, state: "RUNNING", pid: 101 }, 13_000);
    assert.equal(capacity.shortage(HOST, [ONE]), undefined);
  });

  it("is not where its process did not exit as expected", () => {
    look(starting([{ pid: 100, start: "spawned", end: "unexpected", how: "exit status 1" }]), 1000);
    assert.equal(capacity.shortage(HOST, [ONE])?.healthy, 1);
  });
});
