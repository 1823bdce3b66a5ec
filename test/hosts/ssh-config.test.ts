import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openSsh } from "../../src/hosts/ssh.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { nobodyAt, targetAt, temporaryFolder } from "./fixtures.ts";

describe("~/.ssh/config", () => {
  let fleet: Fleet;
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] });
    ({ folder, remove } = await temporaryFolder());
  });
  after(async () => {
    await fleet.down();
    await remove();
  });

  async function connectTo(alias: string, config: string, ssh = {}) {
    const configFile = join(folder, "config");
    await writeFile(configFile, config);
    const access = openSsh(targetAt(alias, ssh, alias), { ...nobodyAt(folder), configFile });
    const outcome = await access.connect();
    await access.close();
    return outcome;
  }

  function settings(): string {
    const { address, port } = fleet.hosts[0]!;
    const { user } = fleet.planSsh();
    return `HostName ${address}\nPort ${port}\nUser ${user}\nIdentityFile ${fleet.identityFile}\nUserKnownHostsFile ${fleet.knownHostsFile}\n`;
  }

  it("makes an alias a host's name, with nothing else in the plan", async () => {
    assert.deepEqual(await connectTo("web-prod", `Host web-*\n${settings()}`), { kind: "connected" });
  });

  it("gives way to what the plan says", async () => {
    const outcome = await connectTo("web-prod", `Host web-*\n${settings()}`, { port: 1 });
    assert.match(outcome.kind === "refused" ? outcome.refusal.reason : "", /:1: /);
  });

  it("that ssh cannot read is refused with ssh's own words", async () => {
    const outcome = await connectTo("web-prod", "Host web-*\n  NoSuchKeyword yes\n");
    assert.match(outcome.kind === "refused" ? outcome.refusal.reason : "", /line 2: Bad configuration option/);
  });
});
