import assert from "node:assert/strict";
import type { HostName, InstanceName, ProgramName } from "../../src/domain/ids.ts";
import { Failures } from "../../src/rollout/failures.ts";
import type { Command } from "../../src/rollout/messages.ts";
import { OutcomeRecorder } from "../../src/rollout/outcome-recorder.ts";
import { Tally } from "../../src/rollout/tally.ts";
import { simulated } from "../sim/rollouts.ts";

const host = "host-1" as HostName;
const program = "web" as ProgramName;
const web0 = { host, program, instance: "web:0" as InstanceName };

function tallyOf(instances: number): Tally {
  return new Tally(simulated({ hosts: 1, instances }).rollout(), false);
}

describe("the tally", () => {
  it("throws where a count would go below zero", () => {
    assert.throws(() => tallyOf(1).count("healthy", "failed"), /the count of healthy instances would go below zero/);
    assert.throws(() => tallyOf(1).retractFailure(), /the count of failures would go below zero/);
    assert.throws(() => tallyOf(1).addAnswer(), /the count of unanswered failures would go below zero/);
  });

  it("throws where more instances were counted than the rollout has", () => {
    const tally = tallyOf(1);
    tally.count(undefined, "healthy");
    assert.throws(() => tally.count(undefined, "skipped"), /more instances were counted than the rollout has/);
  });
});

describe("the outcome recorder", () => {
  it("counts each instance once, by its latest outcome", () => {
    const tally = tallyOf(2);
    const commands: Command[] = [];
    const issue = (command: Command) => void commands.push(command);
    const failures = new Failures(
      tally,
      issue,
      () => undefined,
      () => 0,
    );
    const outcomes = new OutcomeRecorder(tally, failures, (event) => issue({ type: "emit", event }));
    outcomes.healthy(web0, { pid: 7, seconds: 1 });
    assert.deepEqual(tally.counts(), { healthy: 1, failed: 0, skipped: 0, untouched: 1 });
    outcomes.failed({ ...web0, code: "regressed", reason: "it is FATAL", seconds: 0, stillDrained: false });
    assert.deepEqual(tally.counts(), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
    outcomes.skipped({ ...web0, instance: "web:1" as InstanceName }, "it has become STOPPED since the preview");
    assert.deepEqual(tally.counts(), { healthy: 0, failed: 1, skipped: 1, untouched: 0 });
    const reported = commands.flatMap((command) => (command.type === "emit" ? [command.event.type] : []));
    assert.deepEqual(reported, ["instance.healthy", "instance.skipped"], "a failure is reported with its log");
  });
});
