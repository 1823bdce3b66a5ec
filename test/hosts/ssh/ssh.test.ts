import assert from "node:assert/strict";
import { openHost } from "../../../src/hosts/open.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet } from "../../fleet/fleet.ts";
import { targetOf } from "../fixtures.ts";
import { sshContract } from "./ssh.contract.ts";

sshContract({
  name: "ssh",
  open: openSsh,
  says: {
    lost: /^the connection to 127\S+:\d+ was lost: the host (ended|reset) it$/,
    frozen: /the host no longer answers$/,
    closedByUs: /^the connection to 127\S+:\d+ was lost: it was closed by us$/,
    nobodyListens: /^127\S+:\d+: connection refused$/,
    noSuchName: /^no-such-host\.invalid:22: its name cannot be resolved/,
  },
});

describe("ssh by ssh2", () => {
  it("is what a plan's host opens by default", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [] });
    const byDefault = openHost(targetOf(fleet, fleet.host("host-1")));
    assert.equal(byDefault.host, "host-1");
    assert.deepEqual(await byDefault.run(["true"]), { kind: "exited", code: 0, stdout: "", stderr: "" });
    await byDefault.close();
    await fleet.down();
  });

  it("does not take a host for frozen that has nothing to say for longer than its keepalives", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [] });
    const access = openSsh(targetOf(fleet, fleet.host("host-1")), { keepalive: { intervalMs: 1_000, unanswered: 2 } });
    const outcome = await access.run(["sleep", "4"]);
    await access.close();
    await fleet.down();
    assert.equal(outcome.kind, "exited");
  });
});
