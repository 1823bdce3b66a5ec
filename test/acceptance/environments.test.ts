import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, quickTimings, restartedIn } from "./orchestrate.ts";

const plans = fileURLToPath(new URL("../../plans", import.meta.url));

/** The hosts of the family in plans/ that the fleet stands in for, by the keys that name them there. */
const ENVIRONMENTS = {
  staging: {
    keys: ["web-[1-2].staging.example.com", "worker-1.staging.example.com"],
    hosts: ["web-1.staging.example.com", "web-2.staging.example.com", "worker-1.staging.example.com"],
  },
  prod: {
    keys: ["web-[01-08].example.com", "worker-1.example.com"],
    hosts: ["web-01.example.com", "web-02.example.com", "web-03.example.com", "worker-1.example.com"],
  },
  dev: { keys: ["web-1.dev.example.com"], hosts: ["web-1.dev.example.com"] },
};

type Environment = keyof typeof ENVIRONMENTS;

describe("the plans of plans/, a family of environments", () => {
  let fleet: Fleet;
  before(async () => {
    const groups = [
      { name: "shop", processes: 2 },
      { name: "queue", processes: 1 },
      { name: "mail", processes: 1 },
    ];
    fleet = await raiseFleet({ hosts: 4, groups });
  });
  after(() => fleet.down());

  /** A plan that extends the one of an environment and puts the fleet in place of its hosts. */
  async function onFleet(environment: Environment, more: Record<string, unknown> = {}): Promise<string> {
    const { keys, hosts } = ENVIRONMENTS[environment];
    const stands = Object.values(fleet.planHosts());
    const here = hosts.map((name, index) => [name, { ...stands[index], ssh: fleet.planSsh() }] as const);
    const plan = {
      extends: join(plans, `${environment}.yaml`),
      hosts: Object.fromEntries([...keys.map((key) => [key, null] as const), ...here]),
      supervisor: { sudo: false },
      timings: { ...quickTimings, between_batches: "0s" },
      lock: { directory: fleet.dir },
      ...more,
    };
    const file = join(fleet.dir, `${environment}.yaml`);
    await writeFile(file, stringify(plan));
    return file;
  }

  /** Previews a plan, then runs it. The instances in the order of their restarts. */
  async function previewAndRun(plan: string): Promise<{ preview: string; restarted: string[] }> {
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stdout + preview.stderr);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    return { preview: preview.stdout, restarted: restartedIn(eventsOf(ended)) };
  }

  /** What stands in for checks and the load balancer, and writes down what it is asked. */
  const standIns = (log: string) => ({
    checks: [{ command: "test -e /proc/{pid}" }],
    hooks: {
      before_restart: `echo drain {host} {process} >> ${log}`,
      after_healthy: `echo enable {host} {process} >> ${log}`,
    },
  });

  it("may find each supervisord by placeholders, as they are the same everywhere but for a name", async () => {
    const folder = fleet.host("host-1").dir.replace(/host-1$/, "{host}");
    const hosts = Object.entries(fleet.planHosts()).map(
      ([name, { address }]) => [name, { vars: { at: address } }] as const,
    );
    const plan = join(fleet.dir, "placeholders.yaml");
    const text = {
      programs: "shop",
      hosts: Object.fromEntries(hosts.map(([name, more]) => [name, { ...more, address: "{vars.at}" }])),
      supervisor: { config: `${folder}/supervisord.conf` },
      ssh: fleet.planSsh(),
    };
    await writeFile(plan, stringify(text));
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stdout + preview.stderr);
    assert.match(preview.stdout, /8 instances on 4 hosts would be restarted/);
  });

  it("are all valid, and the base needs no hosts for that", async () => {
    const files = (await readdir(plans)).map((name) => join(plans, name));
    const { code, stdout, stderr } = await orchestrate("validate", ...files);
    assert.equal(code, 0, stderr);
    // Nothing but that dev has no workers.
    assert.deepEqual(stderr.match(/\[\w+\]$/gm), ["[empty_group]", "[no_host_matches]"]);
    for (const file of files) assert.ok(stdout.includes(`${file}: valid: `), stdout);
    assert.match(stdout, /base\.yaml: valid: a base for other plans$/m);
    assert.match(stdout, /dev\.yaml: valid: 1 host, 1 wave$/m);
  });

  it("the base is not run: the error names the environments", async () => {
    for (const args of [["--dry-run"], ["--offline"], []]) {
      const { code, stderr } = await orchestrate(join(plans, "base.yaml"), ...args);
      assert.equal(code, 2);
      const [dev, prod, staging] = ["dev", "prod", "staging"].map((name) => join(plans, `${name}.yaml`));
      assert.ok(stderr.includes(`run a plan that extends it: ${dev}, ${prod}, ${staging}`), stderr);
    }
  });

  itInFull("staging has all groups, the base's hooks and its own timings", async () => {
    const log = join(fleet.dir, "staging.log");
    const { preview, restarted } = await previewAndRun(await onFleet("staging", standIns(log)));
    assert.match(preview, /^staging: 6 instances on 3 hosts would be restarted; nothing was changed$/m);
    const worker = "worker-1.staging.example.com";
    assert.equal(restarted.length, 6);
    assert.deepEqual(restarted.slice(4), [`${worker} queue:queue_00`, `${worker} mail:mail_00`]);
    assert.equal((await readFile(log, "utf8")).match(/^drain /gm)?.length, restarted.length);
  });

  itInFull("prod has a canary of its own before the base's waves", async () => {
    const log = join(fleet.dir, "prod.log");
    const rollout = [{ group: "canary", pause: "1s" }, { group: "web" }, { group: "workers" }];
    const { preview, restarted } = await previewAndRun(await onFleet("prod", { ...standIns(log), rollout }));
    assert.deepEqual(preview.match(/^wave .*/gm), ["wave 1 of 3: canary", "wave 2 of 3: web", "wave 3 of 3: workers"]);
    assert.deepEqual(restarted, [
      ...["web-01", "web-02", "web-03"].flatMap((host) =>
        ["shop_00", "shop_01"].map((process) => `${host}.example.com shop:${process}`),
      ),
      "worker-1.example.com queue:queue_00",
      "worker-1.example.com mail:mail_00",
    ]);
  });

  it("dev has one host, no workers, and none of the base's checks and hooks; the preview names the empty group", async () => {
    const { preview, restarted } = await previewAndRun(await onFleet("dev"));
    assert.match(preview, /^dev: 2 instances on 1 host would be restarted; nothing was changed$/m);
    assert.match(
      preview,
      /base\.yaml:\d+: groups\.workers: the group has no hosts in dev\.yaml, so it makes no wave$/m,
    );
    assert.doesNotMatch(preview, /healthz|lb drain/);
    assert.deepEqual(restarted, ["web-1.dev.example.com shop:shop_00", "web-1.dev.example.com shop:shop_01"]);
  });
});
