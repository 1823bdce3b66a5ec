import assert from "node:assert/strict";
import { parseStatus } from "../../src/supervisor/status-text.ts";

describe("what `supervisorctl status` prints", () => {
  it("is read whatever the padding, with pid and uptime of what runs", () => {
    const text = [
      "web:web_00                       RUNNING   pid 22578, uptime 0:00:25",
      "web:web_01                       RUNNING   pid 3, uptime 1 day, 1:01:03",
      "web:web_02                       RUNNING   pid 4, uptime 100 days, 0:00:01",
      "cat                              STOPPED   Not started",
    ].join("\n");
    assert.deepEqual(parseStatus(text).snapshots, [
      { instance: "cat", state: "STOPPED", description: "Not started" },
      { instance: "web:web_00", state: "RUNNING", pid: 22578, uptime_s: 25 },
      { instance: "web:web_01", state: "RUNNING", pid: 3, uptime_s: 90_063 },
      { instance: "web:web_02", state: "RUNNING", pid: 4, uptime_s: 8_640_001 },
    ]);
  });

  it("gives STARTING and STOPPING without a pid and FATAL with Supervisor's words", () => {
    assert.deepEqual(
      parseStatus("a STARTING\nb STOPPING \nc FATAL     Exited too quickly (process log may have details)\n").snapshots,
      [
        { instance: "a", state: "STARTING" },
        { instance: "b", state: "STOPPING" },
        { instance: "c", state: "FATAL", description: "Exited too quickly (process log may have details)" },
      ],
    );
  });

  it("is in the order in which people count", () => {
    const names = parseStatus("web:10 STARTING\nweb:9 STARTING\nweb:1 STARTING").snapshots.map(
      ({ instance }) => instance,
    );
    assert.deepEqual(names, ["web:1", "web:9", "web:10"]);
  });

  it("keeps odd but legal names and passes over lines that a shell profile prints", () => {
    const text =
      "Welcome to web-01, all RUNNING well\nunix:///run/s.sock no such file\nx:*   RUNNING pid 1, uptime 0:00:01\r\nx:we$ird'q;z RUNNING pid 2, uptime 0:00:01\n-x:é RUNNING pid 3, uptime 0:00:01";
    assert.deepEqual(
      parseStatus(text).snapshots.map(({ instance }) => instance),
      ["-x:é", "x:*", "x:we$ird'q;z"],
    );
  });
});
