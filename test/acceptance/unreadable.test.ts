import { itInFull } from "../amount.ts";
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, orchestrate, startOrchestrate, writePlan } from "./orchestrate.ts";

describe("a supervisorctl that prints more than its list", () => {
  let fleet: Fleet;
  let host: FleetHost;
  let hosts: Record<string, unknown>;
  /** While it exists, the first line of each output has something before it. */
  let spoilt: string;

  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2, stopwaitsecs: 600 }] });
    host = fleet.hosts[0]!;
    spoilt = join(fleet.dir, "spoilt");
    const command = join(fleet.dir, "wrapper");
    const title = `[ -e ${spoilt} ] && printf '\\033]0;title\\007'`;
    await writeFile(command, `#!/bin/sh\n[ $# -gt 2 ] || exit 1\n${title}\nexec supervisorctl "$@"\n`, { mode: 0o755 });
    hosts = { "host-1": { address: host.address, supervisor: { command, config: host.supervisorConfig } } };
  });
  after(() => fleet.down());

  it("is refused before the first change, and the line is quoted printably", async () => {
    await writeFile(spoilt, "");
    try {
      for (const args of [[], ["--dry-run"]]) {
        const ended = await orchestrate(await writePlan(fleet, { hosts }), ...args);
        assert.equal(ended.code, 3, ended.stdout + ended.stderr);
        assert.match(ended.stderr, /status_unreadable[^]*host-1: .*"\\x1b\]0;title\\x07web:web_00 +RUNNING/);
      }
    } finally {
      await rm(spoilt);
    }
  });

  itInFull(
    "is a failed look in the middle of a rollout: nothing has vanished, and it succeeds once its words are read again",
    async () => {
      await host.restartAs("web:web_00", { kind: "held_stop" });
      await host.behave("web:web_00", { kind: "healthy" });
      const running = startOrchestrate([await writePlan(fleet, { hosts }), "--output", "json"]);
      await until(async () => (await host.process("web:web_00")).state === "STOPPING", { deadlineMs: 60_000 });
      await writeFile(spoilt, "");
      const isSeen = () => running.stdout().includes('"code":"status_unreadable"');
      await until(isSeen, { deadlineMs: 60_000, what: "a look has failed" });
      await rm(spoilt);
      await host.letStop("web:web_00");
      const ended = await running.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      const types = eventsOf(ended).map(({ type }) => type);
      assert.ok(!types.includes("instance.failed") && !types.includes("instance.drifted"), types.join(" "));
      assert.equal(types.filter((type) => type === "instance.healthy").length, 2);
    },
  );
});
