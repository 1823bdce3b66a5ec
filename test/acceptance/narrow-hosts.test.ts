import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, restartedIn, writePlan } from "./orchestrate.ts";

describe("a rollout over hosts that bear one session a connection", () => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 2, sshdConfig: ["MaxSessions 1"] })));
  after(() => fleet.down());

  for (const client of ["ssh2", "system"]) {
    it(`restarts all, two at once on each, with checks and hooks: ssh.client ${client}`, async () => {
      const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
      await once(server, "listening");
      const plan = await writePlan(
        fleet,
        {
          ssh: { ...fleet.planSsh(), client },
          batches: { hosts: 2, instances: 2 },
          limits: { min_healthy: "50%" },
          checks: [{ command: "test {process} != x" }, { tcp: `127.0.0.1:${(server.address() as AddressInfo).port}` }],
          hooks: { before_restart: "true {process}", after_host: "true {host}" },
        },
        client,
      );
      const preview = await orchestrate(plan, "--dry-run");
      assert.equal(preview.code, 0, preview.stderr);
      const ended = await orchestrate(plan, "--output", "json");
      server.close();
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal(new Set(restartedIn(eventsOf(ended))).size, 8);
    });
  }
});
