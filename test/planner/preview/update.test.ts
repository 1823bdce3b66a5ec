import assert from "node:assert/strict";
import type { Refusal } from "../../../src/domain/failures.ts";
import type { FleetReport, GroupChange, HostReport, RereadOutcome } from "../../../src/domain/fleet.ts";
import type { InstanceName, ProgramName, RolloutId } from "../../../src/domain/ids.ts";
import { partsIn, worksOf, type Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { hostsToReread } from "../../../src/planner/build/group-updates.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import { fleetOf, instance, planOf, type Hosts } from "./plans.ts";

/** What `reread` finds: how groups differ, and the instances of the new configuration, `-` before autostart=false. */
interface OnDisk {
  readonly changes: Readonly<Record<string, GroupChange>>;
  readonly instances: readonly string[];
}

function reread({ changes, instances }: OnDisk): RereadOutcome {
  return {
    kind: "read",
    groups: new Map(Object.entries(changes) as [ProgramName, GroupChange][]),
    instances: instances.map((name) => ({
      instance: name.replace(/^-/, "") as InstanceName,
      autostart: !name.startsWith("-"),
    })),
  };
}

/** A fleet, the same configuration on the disk of each host. */
function fleet(hosts: Hosts, onDisk: OnDisk): FleetReport {
  return new Map(
    [...fleetOf(hosts)].map(([host, report]): [typeof host, HostReport] => [
      host,
      { ...report, reread: reread(onDisk) },
    ]),
  );
}

function built(plan: string, report: FleetReport): Rollout | readonly Refusal[] {
  const made = buildRollout(planOf(plan), report, { id: "20261123T000000Z-0000" as RolloutId });
  return made.kind === "refused" ? made.refusals : made.rollout;
}

function rolloutOf(plan: string, report: FleetReport): Rollout {
  const made = built(plan, report);
  if ("waves" in made) return made;
  throw new Error(made.map(({ reason }) => reason).join("\n"));
}

function refused(plan: string, report: FleetReport): readonly Refusal[] {
  const made = built(plan, report);
  assert.ok(!("waves" in made), "it was not refused");
  return made;
}

/** `update 2: web:web_00 update, web:web_01 update new` for each instance batch. */
function batchesOf(rollout: Rollout): string[] {
  return [...worksOf(rollout)].flatMap(({ batches }) =>
    batches.map(({ is_update, at_once, instances }) => {
      const texts = instances.map(({ instance: name, action, is_new }) => `${name} ${action}${is_new ? " new" : ""}`);
      return `${is_update ? "update" : "single"} ${at_once}: ${texts.join(", ")}`;
    }),
  );
}

const UPDATE = "programs: web\nhosts: { h: }\naction: update\n";
const TWO: Hosts = { h: ["web:web_00", "web:web_01"] };
const GROWN: OnDisk = {
  changes: { web: "changed" },
  instances: ["web:web_00", "web:web_01", "web:web_02", "web:web_03"],
};

describe("action: update", () => {
  it("takes a changed group as a whole: one batch of what is there and what is new", () => {
    const rollout = rolloutOf(UPDATE, fleet(TWO, GROWN));
    assert.deepEqual(batchesOf(rollout), [
      "update 4: web:web_00 update, web:web_01 update, web:web_02 update new, web:web_03 update new",
    ]);
    assert.deepEqual(rollout.warnings, []);
    const befores = [...worksOf(rollout)][0]!.batches[0]!.instances.map(({ before }) => before.state);
    assert.deepEqual(befores, ["RUNNING", "RUNNING", "STOPPED", "STOPPED"]);
  });

  it("shows the instances before and after, that they go down together, and that reread was asked", () => {
    const report = fleet(TWO, GROWN);
    const text = previewText(rolloutOf(UPDATE, report), report);
    assert.match(text, /^prod: 2 instances on 1 host would be updated with their group and 2 added; nothing was/);
    assert.match(text, /^ {2}each: update of its whole group, healthy after 5s RUNNING on one pid$/m);
    assert.match(text, /^ {4}h {2}update web: 2 -> 4 instances, all 2 down together \(new: web:web_\[02-03\]\)$/m);
    assert.match(text, /^ {2}web: 0 of 2$/m);
    assert.match(
      text,
      /^supervisorctl reread was run on h: it compares the configuration, and changes nothing that runs\.$/m,
    );
  });

  it("removes what the new configuration does not have", () => {
    const report = fleet(TWO, { changes: { web: "changed" }, instances: ["web:web_00"] });
    const rollout = rolloutOf(UPDATE, report);
    assert.deepEqual(batchesOf(rollout), ["update 2: web:web_00 update, web:web_01 remove"]);
    assert.match(
      previewText(rollout, report),
      /update web: 2 -> 1 instance, all 2 down together \(removed: web:web_01\)$/m,
    );
  });

  it("warns of what an update stops or starts, and names what it does not start", () => {
    const hosts: Hosts = {
      h: ["web:a", "web:b", instance("web:c", { state: "STOPPED" }), instance("web:d", { state: "STOPPED" })],
    };
    const onDisk: OnDisk = {
      changes: { web: "changed" },
      instances: ["web:a", "-web:b", "web:c", "-web:d", "-web:e"],
    };
    const rollout = rolloutOf(UPDATE, fleet(hosts, onDisk));
    assert.deepEqual(batchesOf(rollout), ["update 3: web:a update, web:b remove, web:c update"]);
    assert.deepEqual(
      rollout.warnings.map(({ instance: name, message }) => `${name}: ${message}`),
      [
        "web:b: it is RUNNING, and its new configuration has autostart=false: the update leaves it STOPPED",
        "web:c: it is STOPPED, and the update starts it (autostart=true)",
      ],
    );
    assert.deepEqual(
      rollout.skipped.map(({ instance: name, why }) => `${name}: ${why}`),
      ["web:d", "web:e"].map(
        (name) => `${name}: its new configuration has autostart=false, so the update does not start it`,
      ),
    );
  });

  it("loads the configuration of a group of which nothing is started as well", () => {
    const hosts: Hosts = { h: [instance("migrate", { state: "STOPPED" })] };
    const onDisk: OnDisk = { changes: { migrate: "changed" }, instances: ["-migrate"] };
    const rollout = rolloutOf("programs: migrate\nhosts: { h: }\naction: update\n", fleet(hosts, onDisk));
    assert.deepEqual(batchesOf(rollout), ["update 1: migrate remove"]);
  });

  it("leaves alone what has not changed and what the plan does not select, and names what is gone", () => {
    const hosts: Hosts = { h: ["web", "api", "old", "other"] };
    const onDisk: OnDisk = {
      changes: { api: "changed", old: "disappeared", other: "changed", fresh: "available" },
      instances: ["web", "api", "other", "fresh"],
    };
    const rollout = rolloutOf("programs: [web, api, old]\nhosts: { h: }\naction: update\n", fleet(hosts, onDisk));
    assert.deepEqual(batchesOf(rollout), ["update 1: api update"]);
    assert.deepEqual(
      rollout.skipped.map(({ instance: name, why }) => `${name}: ${why}`),
      ["web: its configuration has not changed", "old: its group is no longer configured, and is left running"],
    );
    assert.deepEqual(
      rollout.warnings.map(({ message }) => message),
      [
        "the group old is no longer configured: it is left running; `supervisorctl update old` on the host stops and removes it",
        "the configuration of other has changed as well, and the plan does not select that: it is left as it is",
      ],
    );
  });

  it("is refused where it leaves nothing of a program that has a floor", () => {
    const onDisk: OnDisk = { changes: { web: "changed" }, instances: ["-web:web_00", "-web:web_01"] };
    const hosts: Hosts = { h: ["web:web_00", "web:web_01"] };
    const plan = "programs: web\nhosts: { h: }\naction: update\n";
    const [refusal] = refused(`${plan}limits: { min_healthy: 1 }\n`, fleet(hosts, onDisk));
    assert.equal(refusal?.code, "floor_impossible");
    assert.match(refusal.reason, /min_healthy asks for 1 healthy instances of web, but there are only 0/);
    assert.deepEqual(batchesOf(rolloutOf(plan, fleet(hosts, onDisk))), [
      "update 2: web:web_00 remove, web:web_01 remove",
    ]);
  });

  it("says what is down in a group that has not changed: an update does not start it", () => {
    const [found] = fleet({ h: ["web"] }, { changes: {}, instances: ["web"] });
    assert.ok(found && "instances" in found[1]);
    const broken = found[1].instances.map((one) => ({ instance: one.instance, state: "FATAL" as const }));
    const rollout = rolloutOf(
      "programs: web\nhosts: { h: }\naction: update\n",
      new Map([[found[0], { ...found[1], instances: broken }]]),
    );
    assert.deepEqual(
      rollout.skipped.map(({ why }) => why),
      ["its configuration has not changed; it is FATAL"],
    );
    assert.match(
      rollout.warnings[0]?.message ?? "",
      /^it is FATAL, and an update .* does not start it: --action start does$/,
    );
  });

  it("adds a new group that programs name, though Supervisor does not list it yet", () => {
    const onDisk: OnDisk = { changes: { api: "available" }, instances: ["web:web_00", "web:web_01", "api:0", "api:1"] };
    const report = fleet(TWO, onDisk);
    const rollout = rolloutOf("programs: [web, api]\nhosts: { h: }\naction: update\n", report);
    assert.deepEqual(batchesOf(rollout), ["update 2: api:0 update new, api:1 update new"]);
    assert.match(previewText(rollout, report), /^ {4}h {2}update api: 0 -> 2 instances \(new: api:\[0-1\]\)$/m);
  });

  it("of which the plan selects only a part is refused, with the rest by name", () => {
    assert.deepEqual(refused(UPDATE.replace("web", '"web:web_00"'), fleet(TWO, GROWN)), [
      {
        code: "group_partly_selected",
        host: "h",
        reason:
          "the configuration of web has changed, and an update takes the whole group down: the plan does not update web:web_[01-03]",
      },
    ]);
    const mixed = 'programs: ["web:web_00": { action: restart }, web]\nhosts: { h: }\naction: update\n';
    assert.match(refused(mixed, fleet(TWO, GROWN))[0]?.reason ?? "", /does not update web:web_00$/);
  });

  it("never updates a group called all: that would update everything", () => {
    const onDisk: OnDisk = { changes: { all: "changed" }, instances: ["all"] };
    const [refusal] = refused("programs: all\nhosts: { h: }\naction: update\n", fleet({ h: ["all"] }, onDisk));
    assert.equal(refusal?.code, "not_addressable");
    assert.match(refusal.reason, /update all/);
  });

  it("gives each instance of a mixed group the settings of its own program", () => {
    const plan =
      'programs: ["app:web*": { checks: [{ tcp: "127.0.0.1:80" }] }, "app:*"]\nhosts: { h: }\naction: update\n';
    const onDisk: OnDisk = { changes: { app: "changed" }, instances: ["app:beat", "app:web_0", "app:web_1"] };
    const rollout = rolloutOf(plan, fleet({ h: ["app:beat", "app:web_0"] }, onDisk));
    assert.deepEqual(batchesOf(rollout), ["update 3: app:beat update, app:web_0 update, app:web_1 update new"]);
    const parts = [...partsIn(rollout)].map(({ checks, batches }) => [
      checks.length,
      ...batches.flatMap(({ instances }) => instances.map(({ instance: name }) => name)),
    ]);
    assert.deepEqual(parts, [
      [0, "app:beat"],
      [1, "app:web_0", "app:web_1"],
    ]);
  });
});

describe("an update and the floor", () => {
  it("counts all instances that go down together: a floor that they cannot keep is refused, with the number that can", () => {
    const hosts: Hosts = { "h-1": ["web:web_00", "web:web_01"], "h-2": ["web:web_00", "web:web_01"] };
    const plan = (floor: string) =>
      `programs: web\nhosts: { "h-[1-2]": }\naction: update\nlimits: { min_healthy: ${floor} }\n`;
    assert.deepEqual(refused(plan("75%"), fleet(hosts, GROWN)), [
      {
        code: "floor_impossible",
        reason:
          "min_healthy: 75% keeps 3 of 4 web healthy, but an update takes down 2 of web together on h-1: at most 2 (50%) would allow that",
      },
    ]);
    assert.deepEqual(rolloutOf(plan("50%"), fleet(hosts, GROWN)).limits.floors, [
      { program: "web", total: 4, min_healthy: 2 },
    ]);
  });

  it("does not count on what it removes", () => {
    const hosts: Hosts = { "h-1": ["web:web_00", "web:web_01"], "h-2": ["web:web_00", "web:web_01"] };
    const shrunk: OnDisk = { changes: { web: "changed" }, instances: ["web:web_00"] };
    const plan = (floor: number) =>
      `programs: web\nhosts: { "h-[1-2]": }\naction: update\nlimits: { min_healthy: ${floor} }\n`;
    assert.deepEqual(rolloutOf(plan(1), fleet(hosts, shrunk)).limits.floors, [
      { program: "web", total: 2, min_healthy: 1 },
    ]);
    assert.match(
      refused(plan(2), fleet(hosts, shrunk))[0]?.reason ?? "",
      /keeps 2 of 2 web healthy, but an update takes down 2 of web together on h-2: at most 1 would allow that$/,
    );
    const report = fleet(hosts, shrunk);
    assert.match(previewText(rolloutOf(plan(1), report), report), /^ {2}web: 1 of 2, now 4 \(min_healthy: 1\)$/m);
  });
});

describe("an update to autostart=false and the floor", () => {
  it("does not count on new instances that it does not start", () => {
    const off: OnDisk = { changes: { web: "changed" }, instances: ["-web:web_00", "-web:web_01"] };
    const other: OnDisk = { changes: { web: "changed" }, instances: ["web:web_00"] };
    const report: FleetReport = new Map([
      ...fleet({ "h-1": ["web:web_00"] }, off),
      ...fleet({ "h-2": ["web:web_00"] }, other),
    ]);
    const plan = 'programs: web\nhosts: { "h-[1-2]": }\naction: update\nlimits: { min_healthy: 1 }\n';
    assert.deepEqual(
      refused(plan, report).map(({ code }) => code),
      ["floor_impossible"],
    );
  });
});

describe("config_changes", () => {
  const hosts: Hosts = { h: ["web:web_00", "web:web_01", "api"] };
  const onDisk: OnDisk = {
    ...GROWN,
    changes: { web: "changed", fresh: "available" },
    instances: [...GROWN.instances, "api", "fresh"],
  };
  const plan = (policy: string, more = "") => `programs: [web, api]\nhosts: { h: }\nconfig_changes: ${policy}\n${more}`;

  it("apply updates what has changed, adds what is new and named, and restarts all else one by one", () => {
    assert.deepEqual(batchesOf(rolloutOf(plan("apply"), fleet(hosts, onDisk))), [
      "update 4: web:web_00 update, web:web_01 update, web:web_02 update new, web:web_03 update new",
      "single 1: api restart",
    ]);
    const all = plan("apply").replace("[web, api]", '"*"');
    assert.deepEqual(batchesOf(rolloutOf(all, fleet(hosts, onDisk))), [
      "update 4: web:web_00 update, web:web_01 update, web:web_02 update new, web:web_03 update new",
      "single 1: api restart",
      "update 1: fresh update new",
    ]);
  });

  it("refuse names the groups that differ, before the first change", () => {
    const reason = "its configuration on disk is not the one that supervisord has loaded: web (changed)";
    assert.deepEqual(refused(plan("refuse"), fleet(hosts, onDisk)), [{ code: "config_changed", host: "h", reason }]);
    assert.equal(refused(plan("refuse", "action: { signal: HUP }\n"), fleet(hosts, onDisk))[0]?.code, "config_changed");
    assert.deepEqual(batchesOf(rolloutOf(plan("refuse", "action: stop\n"), fleet(hosts, onDisk))).length, 3);
    const untouched = "programs: api\nhosts: { h: }\nconfig_changes: refuse\n";
    assert.deepEqual(batchesOf(rolloutOf(untouched, fleet(hosts, onDisk))), ["single 1: api restart"]);
  });

  it("goes by what reread says, and not by the age of files", () => {
    const report = new Map(
      [...fleet(hosts, onDisk)].map(([host, one]) => [
        host,
        {
          ...one,
          config: {
            instances: new Map(),
            files: [{ path: "/etc/supervisor/conf.d/all.conf", age_s: 60, programs: ["web", "api"] as ProgramName[] }],
          },
        },
      ]),
    );
    assert.deepEqual(
      rolloutOf(plan("apply"), report).warnings.map(({ message }) => message),
      [],
    );
  });

  it("of one program reaches its group only", () => {
    const ofWeb = "programs: [web: { config_changes: apply }, api]\nhosts: { h: }\n";
    const both: OnDisk = { ...onDisk, changes: { web: "changed", api: "changed" } };
    assert.deepEqual(batchesOf(rolloutOf(ofWeb, fleet(hosts, both))).slice(1), ["single 1: api restart"]);
  });
});

describe("reread", () => {
  const asked = (settings: string) =>
    [...hostsToReread(planOf(`programs: web\nhosts: { "h-[1-2]": }\n${settings}`))].length;

  it("is asked only where the plan depends on it", () => {
    for (const [settings, hosts] of [
      ["", 0],
      ["action: update\n", 2],
      ["config_changes: apply\n", 2],
      ["config_changes: refuse\n", 2],
      ["config_changes: apply\naction: stop\n", 0],
      ["config_changes: refuse\naction: stop\n", 0],
      ["config_changes: refuse\naction: { signal: HUP }\n", 2],
      ["groups: { one: { hosts: h-1, action: update }, two: { hosts: h-2 } }\n", 1],
    ] as const)
      assert.equal(asked(settings), hosts, settings);
  });
});
