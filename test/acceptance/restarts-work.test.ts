import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { claimLoopback, type LoopbackClaim } from "../fleet/loopback.ts";
import { startOrchestrate, writePlan } from "./orchestrate.ts";

const env = { ORCHESTRATE_SUPERVISOR_USERNAME: "someone", ORCHESTRATE_SUPERVISOR_PASSWORD: "secret" };

describe("a supervisord whose password we know and supervisorctl on its host does not", () => {
  let claim: LoopbackClaim;
  let fleet: Fleet;
  let server_url: string;
  let drained: string;

  before(async () => {
    claim = await claimLoopback(1);
    const server = `${claim.addresses[0]}:${claim.port}`;
    server_url = `http://${server}`;
    const http = ["[inet_http_server]", "port=%(ENV_SERVER)s", "username=someone", "password=secret"];
    fleet = await raiseFleet({
      hosts: 1,
      groups: [{ name: "web", processes: 1, extraLines: http }],
      env: { SERVER: server },
    });
    drained = join(fleet.dir, "drained");
  });
  after(async () => {
    await fleet.down();
    claim.release();
  });

  async function run(supervisor: Record<string, string>, ...args: string[]) {
    const { address } = fleet.host("host-1");
    const hosts = { "host-1": { address, supervisor: { server_url, ...supervisor } } };
    const plan = await writePlan(fleet, { hosts, hooks: { before_restart: `touch ${drained}` } });
    const before = await fleet.host("host-1").process("web:web_00");
    const ended = await startOrchestrate([plan, "--verbose", ...args], { env }).ended;
    const after = await fleet.host("host-1").process("web:web_00");
    return { ...ended, isRestarted: before.pid !== after.pid };
  }

  for (const [how, args] of [
    ["run", []],
    ["dry run", ["--dry-run"]],
  ] as const)
    it(`is refused by a ${how} before anything is drained, as restarts need supervisorctl`, async () => {
      const { code, stdout, stderr, isRestarted } = await run(
        { config: fleet.host("host-1").supervisorConfig },
        ...args,
      );
      assert.equal(code, 3, stdout + stderr);
      assert.match(stderr, /supervisor_unavailable[^]*host-1: .*restarts need it: .*authentication/);
      assert.equal(isRestarted, false);
      assert.equal(existsSync(drained), false);
    });

  it("is rolled once supervisorctl's configuration there has the password", async () => {
    const config = join(fleet.dir, "supervisorctl.conf");
    await writeFile(config, "[supervisorctl]\nusername=someone\npassword=secret\n");
    const { code, stdout, stderr, isRestarted } = await run({ config });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /host-1 by xml-rpc/);
    assert.equal(isRestarted, true);
  });
});
