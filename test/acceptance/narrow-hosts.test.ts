import assert from "node:assert/strict";
import { sampled } from "../amount.ts";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, quickTimings, restartedIn, writePlan } from "./orchestrate.ts";

describe("a rollout over hosts that bear one session a connection", () => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 2, sshdConfig: ["MaxSessions 1"] })));
  after(() => fleet.down());

  for (const client of sampled(["ssh2", "system"])) {
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

describe("a rollout over hosts that forward nothing", () => {
  let fleet: Fleet;
  before(async () => {
    const groups = [{ name: "web", processes: 1 }];
    fleet = await raiseFleet({ hosts: 2, groups, sshdConfig: ["AllowTcpForwarding no"] });
  });
  after(() => fleet.down());

  it("is warned of the checks that need it, in the preview and in the rollout's own record", async () => {
    const checks = [{ http: "http://127.0.0.1:8080/health/{process}" }, { command: "true" }];
    const plan = await writePlan(fleet, { checks });
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stderr);
    assert.match(
      preview.stdout,
      /\n {2}host-\[1-2\]: its check http http:\/\/127\.0\.0\.1:8080\/health\/\{process\} would fail: 127\.0\.0\.1:8080: sshd there does not permit it \(see its AllowTcpForwarding/,
    );
    assert.equal(preview.stdout.match(/would fail/g)?.length, 1, preview.stdout);
    const hasty = await writePlan(fleet, { checks, timings: { ...quickTimings, healthy_deadline: "3s" } });
    const events = eventsOf(await orchestrate(hasty, "--output", "json"));
    const planned = events.find((event) => event.type === "rollout.planned");
    assert.deepEqual(
      planned?.warnings.filter(({ message }) => message.includes("would fail")).map(({ host }) => host),
      ["host-1", "host-2"],
    );
    assert.ok(events.some((event) => event.type === "rollout.halted" && event.code === "check_failed"));
    const fromController = await writePlan(fleet, { checks: [{ ...checks[0], from: "controller" }] }, "controller");
    assert.doesNotMatch((await orchestrate(fromController, "--dry-run")).stdout, /would fail/);
  });
});
