import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostic, type Diagnostic } from "../../../src/planner/text/diagnostic.ts";
import { checkPlan, loadPlan } from "../../../src/planner/plan/load.ts";
import { narrow } from "../../../src/planner/plan/selection.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";

const BASE = `
programs: web
hosts:
  web-1:
  web-2: { address: 10.0.0.2 }
  worker-1:
groups:
  web: { hosts: "web-*", hooks: { before_restart: base group } }
  jobs: { hosts: worker-1, programs: queue }
rollout: [{ group: web, pause: 1m }, { group: jobs }]
hooks: { before_restart: drain, after_healthy: enable, before_host: leave }
checks: [{ tcp: "127.0.0.1:80" }]
timings: { min_healthy_time: 30s }
ssh: { user: deploy }
vars: { zone: a }
`;

describe("a plan that extends another", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "plans-"));
    write("base.yaml", BASE);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  const inPlace = (text: string) => text.replaceAll(`${folder}/`, "");
  const said = (diagnostics: readonly Diagnostic[]) =>
    diagnostics.map(({ file, line, path, message, code }) => inPlace(`${file}:${line}: ${path}: ${message} [${code}]`));

  function load(text: string): Plan {
    const loaded = loadPlan(write("plan.yaml", `extends: base.yaml\n${text}`), {});
    assert.ok(loaded.ok, loaded.ok ? "" : loaded.diagnostics.map(formatDiagnostic).join("\n"));
    return loaded.plan;
  }

  function errorsOf(text: string): string[] {
    const loaded = loadPlan(write("plan.yaml", `extends: base.yaml\n${text}`), {});
    assert.ok(!loaded.ok, "the plan is in order");
    return said(loaded.diagnostics);
  }

  const hostsOf = ({ waves }: Plan) => waves.map(({ group, hosts }) => [group, ...hosts.map(({ host }) => host)]);
  const settingsOf = ({ waves }: Plan, wave = 0) => waves[wave]!.hosts[0]!.settings;

  describe("with null", () => {
    it("takes an inherited key, hook, variable or list of checks away", () => {
      const text = `hooks: { after_healthy: null }\nchecks: null\ntimings: { min_healthy_time: ~ }\nvars: { zone: null }`;
      const plan = load(`${text}\nssh: null\n`);
      const { hooks, checks, timings, vars } = settingsOf(plan);
      assert.deepEqual(Object.keys(hooks).toSorted(), ["before_host", "before_restart"]);
      assert.deepEqual([checks, timings.min_healthy_time_ms, vars], [[], 5_000, {}]);
      assert.deepEqual(plan.hosts[0]!.ssh, {});
      assert.deepEqual(plan.warnings, []);
    });

    it("takes a group away, and its waves with it", () => {
      const plan = load("groups: { jobs: null }\n");
      assert.deepEqual(hostsOf(plan), [["web", "web-1", "web-2"]]);
      assert.deepEqual(said(plan.warnings), [
        "base.yaml:6: hosts.worker-1: no wave of the rollout reaches worker-1 [host_in_no_wave]",
      ]);
    });

    it("takes a host away, and out of the groups that name it", () => {
      const plan = load("hosts: { worker-1: null, web-2: null }\n");
      assert.deepEqual(
        plan.hosts.map(({ name }) => name),
        ["web-1"],
      );
      assert.deepEqual(hostsOf(plan), [["web", "web-1"]]);
      assert.deepEqual(said(plan.warnings), [
        "base.yaml:9: groups.jobs: the group has no hosts in plan.yaml, so it makes no wave [empty_group]",
      ]);
    });

    it("takes single hosts out of an inherited node set", () => {
      write("base.yaml", "programs: web\nhosts: { 'web-[01-04]': }\n");
      assert.deepEqual(hostsOf(load("hosts: { web-03: null }\n")), [["all", "web-01", "web-02", "web-04"]]);
      assert.deepEqual(hostsOf(load("hosts: { 'web-[02-03]': null, web-9: }\n")), [
        ["all", "web-01", "web-04", "web-9"],
      ]);
    });

    it("is not a key with nothing after it, which changes nothing", () => {
      const plan = load("hosts:\n  web-2:\nhooks:\ngroups:\n  jobs:\nssh:\n");
      assert.equal(plan.hosts[1]!.address, "10.0.0.2");
      assert.equal(plan.waves.length, 2);
      assert.deepEqual(plan.hosts[0]!.ssh, { user: "deploy" });
    });

    it("takes the plan's hooks of waves and batches away for the wave of a group, and a group's replace them", () => {
      const ofPlan = "hooks: { before_batch: lb drain, after_batch: lb enable, after_wave: announce }\n";
      const ofGroups = "groups: { web: { hooks: { before_batch: null, after_wave: smoke-test } } }\n";
      const [web, jobs] = load(`${ofPlan}${ofGroups}timings: { command_timeout: 7s }\n`).waves;
      const own = { run: "controller" };
      assert.deepEqual(web!.hooks, {
        after_batch: { command: "lb enable", ...own },
        after_wave: { command: "smoke-test", ...own },
      });
      assert.deepEqual(jobs?.hooks?.before_batch, { command: "lb drain", ...own });
      assert.equal(jobs.hook_timeout_ms, 7000);
      const without = load("hooks: { before_restart: x }\n").waves;
      assert.deepEqual(
        without.map((wave) => "hooks" in wave),
        [false, false],
      );
    });

    it("means no hook and no checks on a group or host, whatever the plan has", () => {
      const groups = "groups: { web: { hooks: { before_restart: null, after_healthy: null }, checks: null } }\n";
      const plan = load(`${groups}hosts: { worker-1: { hooks: { before_host: null } } }\n`);
      assert.deepEqual(settingsOf(plan).hooks, { before_host: { command: "leave", run: "host" } });
      assert.deepEqual(settingsOf(plan).checks, []);
      assert.deepEqual(Object.keys(settingsOf(plan, 1).hooks).toSorted(), ["after_healthy", "before_restart"]);
      assert.equal(settingsOf(plan, 1).checks.length, 1);
    });

    it("takes away what any of several extended plans has, and a nearer file may give it again", () => {
      write("less.yaml", "hooks: { before_host: null }\nhosts: { worker-1: null }\nabstract: true\n");
      write("plan.yaml", "extends: [base.yaml, less.yaml]\nhosts: { worker-1: { address: 10.0.0.9 } }\n");
      const loaded = loadPlan(join(folder, "plan.yaml"), {});
      assert.ok(loaded.ok);
      assert.equal(settingsOf(loaded.plan).hooks.before_host, undefined);
      assert.equal(loaded.plan.hosts.at(-1)?.address, "10.0.0.9");
    });

    it("is warned of where it takes nothing away: it may be a misspelt name", () => {
      assert.deepEqual(
        said(
          load("hosts: { workr-1: null }\ngroups: { job: null, all: { hosts: '*' } }\nrollout: [{ group: all }]\n")
            .warnings,
        ),
        [
          "plan.yaml:2: hosts.workr-1: null takes no host away, as none of that name is inherited: this is a host of its own [null_without_effect]",
          "plan.yaml:3: groups.job: null takes nothing away: nothing is inherited [null_without_effect]",
        ],
      );
    });

    it("is a wrong value in a plan that inherits nothing", () => {
      const plan = write("plan.yaml", "programs: x\nhosts: { a: }\ntimings: { between_restarts: null }\n");
      const loaded = loadPlan(plan, {});
      assert.ok(!loaded.ok);
      assert.match(
        said(loaded.diagnostics).join(),
        /timings.between_restarts: must be a duration .* \[invalid_value\]/,
      );
    });

    it("is where an error about what became empty points", () => {
      assert.deepEqual(errorsOf("programs: null\n"), [
        'plan.yaml:2: programs: leaves the groups "web" without programs [missing_key]',
      ]);
      assert.deepEqual(errorsOf("programs: null\ngroups: { jobs: { programs: null } }\n"), [
        'plan.yaml:2: programs: the plan has no "programs" [missing_key]',
      ]);
      assert.deepEqual(errorsOf("hosts: null\n"), ['plan.yaml:2: hosts: the plan has no "hosts" [missing_key]']);
      assert.deepEqual(errorsOf("hosts:\n  web-1: null\n  web-2: null\n  worker-1: null\n"), [
        "plan.yaml:5: hosts.worker-1: null takes the last of the hosts away [nothing_left]",
      ]);
      assert.deepEqual(errorsOf("groups:\n  web:\n    hosts: null\n"), [
        'plan.yaml:4: groups.web.hosts: must have the key "hosts" [missing_key]',
      ]);
      assert.deepEqual(errorsOf("groups: { jobs: null }\nrollout: [{ group: jobs }]\n"), [
        'plan.yaml:3: rollout[0].group: no group is called "jobs" [unknown_group]',
      ]);
      assert.deepEqual(errorsOf("groups:\n  web: null\n  jobs: null\n"), [
        "plan.yaml:4: groups.jobs: no wave is left: none of the groups has a host in this plan [no_waves]",
      ]);
    });
  });

  describe("in an environment that lacks some hosts", () => {
    const GROUPS = `
abstract: true
programs: web
groups:
  web: { hosts: "web-*" }
  jobs: { hosts: ["worker-[1-4]", "@web", "!@web"], programs: queue }
  db: { hosts: db-1 }
`;

    it("may have a group whose patterns match none: it makes no wave, and is warned of", () => {
      write("base.yaml", GROUPS);
      const plan = load("hosts: { web-1: , db-1: }\n");
      assert.deepEqual(hostsOf(plan), [
        ["web", "web-1"],
        ["db", "db-1"],
      ]);
      assert.deepEqual(said(plan.warnings), [
        "base.yaml:6: groups.jobs: the group has no hosts in plan.yaml, so it makes no wave [empty_group]",
        'base.yaml:6: groups.jobs.hosts[0]: no host of the plan matches "worker-[1-4]" [no_host_matches]',
      ]);
    });

    it("may not lack one that is named literally, or only some of a node set", () => {
      write("base.yaml", GROUPS);
      assert.deepEqual(errorsOf("hosts: { web-1: }\n"), [
        'base.yaml:7: groups.db.hosts: no host is called "db-1" [unknown_host]',
      ]);
      assert.deepEqual(errorsOf("hosts: { web-1: , db-1: , worker-2: }\n"), [
        'base.yaml:6: groups.jobs.hosts[0]: no host is called "worker-[1,3-4]" [unknown_host]',
      ]);
    });

    it("may not have a host that is in no group: it was forgotten, and nothing leaves it out on purpose", () => {
      write("base.yaml", "programs: web\ngroups: { web: { hosts: 'web-*' } }\n");
      assert.deepEqual(errorsOf("hosts: { web-1: , job-1: }\n"), [
        "plan.yaml:2: hosts.job-1: no wave of the rollout reaches it [host_in_no_wave]",
      ]);
    });

    it("is warned of hosts that its rollout leaves out, and they are not contacted", () => {
      const plan = load("rollout: [{ group: jobs }]\n");
      assert.deepEqual(said(plan.warnings), [
        "base.yaml:4: hosts.web-1: no wave of the rollout reaches web-1 [host_in_no_wave]",
        "base.yaml:5: hosts.web-2: no wave of the rollout reaches web-2 [host_in_no_wave]",
      ]);
      const all = { limit: [], exclude: [], programs: [] };
      const narrowed = narrow(plan, all);
      assert.deepEqual(narrowed.ok && narrowed.plan.hosts.map(({ name }) => name), ["worker-1"]);
      const guarded = narrow(load("rollout: [{ group: jobs }]\nlimits: { min_healthy: 1 }\n"), all);
      assert.equal(guarded.ok && guarded.plan.hosts.length, 3, "a floor counts those that are left out");
    });
  });

  describe("that is only a base (abstract: true)", () => {
    const ABSTRACT = "abstract: true\ngroups: { web: { hosts: web-9 } }\nchecks: [{ tcp: '{address}:{vars.port}' }]\n";

    it("is checked as far as it goes, and needs no hosts and programs", () => {
      const checked = checkPlan(write("base.yaml", ABSTRACT), {});
      assert.deepEqual(checked, { ok: true, warnings: [] });
      const wrong = checkPlan(write("base.yaml", `${ABSTRACT}timings: { min_healthy_time: 5 }\nbatch: 1\n`), {});
      assert.ok(!wrong.ok);
      assert.deepEqual(
        wrong.diagnostics.map(({ code }) => code),
        ["invalid_value", "unknown_key"],
      );
    });

    it("is not run: the error names the plans next to it that extend it", () => {
      write("base.yaml", ABSTRACT);
      write("north.yaml", "extends: base.yaml\nabstract: true\n");
      write("prod.yaml", "extends: north.yaml\n");
      write("staging.yaml", "extends: base.yaml\n");
      write("other.yaml", "programs: x\n");
      const loaded = loadPlan(join(folder, "base.yaml"), {});
      assert.ok(!loaded.ok);
      assert.deepEqual(loaded.diagnostics.map(formatDiagnostic).map(inPlace), [
        "base.yaml:1:1: abstract: the plan is a base for others, and is not run [abstract_plan]\n  1 | abstract: true\n    | ^\n  run a plan that extends it: prod.yaml, staging.yaml",
      ]);
    });

    it("does not make those abstract that extend it", () => {
      write("base.yaml", "abstract: true\nprograms: web\n");
      assert.deepEqual(hostsOf(load("hosts: { a: }\n")), [["all", "a"]]);
    });
  });
});
