import assert from "node:assert/strict";
import type { HostProcess, ProcessesOutcome } from "../../src/domain/host-process.ts";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { seeProcesses } from "../../src/executor/seen-processes.ts";

const [SUPERVISORD, PID] = [50, 100];

describe("whether a host's process table shows what Supervisor runs", () => {
  const instances: ProcessSnapshot[] = [
    { instance: "web:0" as InstanceName, state: "RUNNING", pid: PID, uptime_s: 60 },
  ];
  const sees = async (outcome: ProcessesOutcome) =>
    (await seeProcesses({ look: () => Promise.resolve(outcome) }, instances)).seesProcesses;
  const leader: HostProcess = {
    pid: PID,
    parent: SUPERVISORD,
    group: PID,
    session: SUPERVISORD,
    age_s: 60,
    command: "",
  };

  it("is so where it has them", async () => {
    assert.equal(await sees({ kind: "seen", processes: [leader] }), true);
  });

  it("is not so where it has others, or there is no table", async () => {
    assert.equal(await sees({ kind: "seen", processes: [] }), false);
    assert.equal(await sees({ kind: "unavailable", reason: "no process table in /proc" }), false);
  });

  it("is not known where it gave no answer this once: what outlives a restart is looked for nevertheless", async () => {
    assert.equal(await sees({ kind: "unanswered", reason: "no answer within 10 s" }), undefined);
  });
});
