import assert from "node:assert/strict";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { DownGate } from "../../src/rollout/down-gate.ts";
import { simTimings } from "../sim/rollouts.ts";

const DOWN: ProcessSnapshot = { instance: "web:0" as InstanceName, state: "STOPPED" };
const LATE_MS = simTimings.stop_deadline_ms + simTimings.healthy_deadline_ms;

describe("the gate of an instance that is to be down", () => {
  it("never asks for a look at once, for ever: not after its deadline either, while something of it is awaited", () => {
    const gate = new DownGate("stopped", simTimings, 0);
    gate.commandReturned("", 100);
    assert.deepEqual(gate.observe(DOWN, 200, 300), { kind: "down", as: "stopped" });
    const waits = gate.verdictByTime(10_000);
    assert.ok(waits.kind === "wait" && waits.lookAtMs > 10_000);
    assert.deepEqual(gate.verdictByTime(LATE_MS), { kind: "down", as: "stopped" });
  });

  it("fails at stop_deadline where it was never seen down", () => {
    const gate = new DownGate("stopped", simTimings, 0);
    const verdict = gate.verdictByTime(simTimings.stop_deadline_ms);
    assert.ok(verdict.kind === "failed" && verdict.code === "stop_deadline");
  });
});
