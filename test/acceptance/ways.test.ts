import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, restartedIn, writePlan } from "./orchestrate.ts";

describe("the way onto the hosts of a plan", () => {
  let fleet: Fleet;
  let bastion: string;
  before(async () => {
    fleet = await raiseFleet({ hosts: 3, groups: [{ name: "web", processes: 1 }] });
    const { user, port } = fleet.planSsh();
    bastion = `${user}@${fleet.host("host-1").address}:${port}`;
  });
  after(() => fleet.down());

  const loginsAt = async (host: string) => (await fleet.host(host).sshdLog()).match(/Accepted publickey/g)?.length ?? 0;

  function writePlanWith(ssh: object, name: string): Promise<string> {
    const settings = { ...fleet.planSsh(), proxy_jump: bastion, config_file: "none", ...ssh };
    return writePlan(fleet, { ssh: settings, lock: { mode: "off" }, batches: { hosts: "100%" } }, name);
  }

  it("may go through one of them: a rollout makes one connection to each", async () => {
    const before = await Promise.all(fleet.hosts.map(({ name }) => loginsAt(name)));
    const plan = await writePlanWith({}, "through");
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restartedIn(eventsOf(ended)).sort(), [
      "host-1 web:web_00",
      "host-2 web:web_00",
      "host-3 web:web_00",
    ]);
    const after = await Promise.all(fleet.hosts.map(({ name }) => loginsAt(name)));
    // The bastion is a host of the plan as well.
    assert.deepEqual(
      after.map((logins, index) => logins - before[index]!),
      [2, 1, 1],
    );
  });

  it("to one that is new is told in the preview, and by a run, and only then", async () => {
    const known_hosts_file = join(fleet.dir, "new_known_hosts");
    const plan = await writePlanWith({ known_hosts_file, host_key_checking: "accept-new" }, "new");
    const first = await orchestrate(plan, "--dry-run");
    assert.equal(first.code, 0, first.stdout + first.stderr);
    const added = "its ssh-ed25519 key SHA256:\\S+ was new, and was added to ";
    for (const name of ["host-2", "host-3"]) assert.match(first.stdout, new RegExp(`^  ${name}: ${added}`, "m"));
    // It is a host of the plan as well: who was first there is a matter of luck.
    assert.match(first.stdout, new RegExp(`^  (host-1: |host-\\[2-3\\]: the bastion 127\\S+: )${added}`, "m"));
    const lines = (text: string) => text.trim().split("\n").sort();
    assert.deepEqual(
      lines(await readFile(known_hosts_file, "utf8")),
      lines(await readFile(fleet.knownHostsFile, "utf8")),
    );
    assert.doesNotMatch((await orchestrate(plan, "--dry-run")).stdout, /was new/);
  });

  it("without a check of their keys is told for all of them in one line, and one with another key by itself", async () => {
    const known_hosts_file = join(fleet.dir, "swapped_known_hosts");
    const [first, second, third] = (await readFile(fleet.knownHostsFile, "utf8")).trim().split("\n");
    const swapped = [second!.split(" ")[0], ...third!.split(" ").slice(1)].join(" ");
    await writeFile(known_hosts_file, `${first}\n${swapped}\n${third}\n`);
    const plan = await writePlanWith({ known_hosts_file, host_key_checking: "off", proxy_jump: "none" }, "unchecked");
    const { code, stdout } = await orchestrate(plan, "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /host-\[1-3\].*its host key is not enforced \(host_key_checking is off\)/);
    assert.match(stdout, /host-2.*it presented the ssh-ed25519 key .*swapped_known_hosts:2 has .* accepted anyway/);
    const strict = await writePlanWith({ known_hosts_file, host_key_checking: "strict" }, "checked");
    const refused = await orchestrate(strict, "--dry-run");
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /host_key_changed[^]*host-2: .*swapped_known_hosts:2/);
  });

  it("may be a ProxyCommand of ssh_config, where the ssh program goes it", async () => {
    const { user, port, identity_file, known_hosts_file } = fleet.planSsh();
    const config_file = join(fleet.dir, "ssh_config");
    const through = `ssh -F none -i ${identity_file} -o UserKnownHostsFile=${known_hosts_file} -p ${port} -W %h:%p`;
    await writeFile(config_file, `Host *\n  ProxyCommand ${through} ${user}@${fleet.host("host-1").address}\n`);
    const before = await loginsAt("host-1");
    const plan = await writePlanWith({ client: "system", proxy_jump: undefined, config_file }, "proxied");
    const ended = await orchestrate(plan, "--output", "json", "--limit", "host-2");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restartedIn(eventsOf(ended)), ["host-2 web:web_00"]);
    assert.equal((await loginsAt("host-1")) - before, 1);
  });

  it("through a bastion that is down is refused for all of them, by its name", async () => {
    const plan = await writePlanWith({ proxy_jump: `${bastion.replace(/:\d+$/, "")}:1` }, "down");
    const { code, stderr } = await orchestrate(plan);
    assert.equal(code, 3);
    assert.match(stderr, /host-\[1-3\]: the bastion 127\S+:1: connection refused/);
  });
});
