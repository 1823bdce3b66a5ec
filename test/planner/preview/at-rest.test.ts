import assert from "node:assert/strict";
import type { InstanceConfig } from "../../../src/domain/fleet.ts";
import { readResumedRollout } from "../../../src/planner/build/resumed.ts";
import { instance, listed, planOf, preview, rolloutOf, type Hosts } from "./plans.ts";

const DONE = instance("migrate", { state: "EXITED", description: "Nov 23 10:00 AM", atRest: true });
const LISTENER: InstanceConfig = { is_listener: true, group_priority: -1, priority: 999 };

function planFor(programs: string, settings = ""): ReturnType<typeof planOf> {
  return planOf(`programs: ${programs}\nhosts: { h: }\n${settings}`);
}

describe("a finished one-shot", () => {
  it("is left alone, named as skipped and warned of, by `*` and by its name", () => {
    for (const programs of ['"*"', "[migrate, web]"]) {
      const rollout = rolloutOf(planFor(programs), { h: ["web", DONE] });
      assert.deepEqual(listed(rollout), ["h web"]);
      assert.deepEqual(rollout.skipped, [
        { host: "h", program: "migrate", instance: "migrate", why: "it was EXITED before the rollout" },
      ]);
      const [warning, ...more] = rollout.warnings;
      assert.deepEqual(more, []);
      assert.equal(`${warning?.host} ${warning?.instance}`, "h migrate");
      assert.match(
        warning?.message ?? "",
        /^it is EXITED and is left as it is: .*; to run it again, set exited: restart$/,
      );
    }
  });

  it("is run again with exited: restart, the nearest of plan, group and host", () => {
    const groups = "groups: { all: { hosts: h, exited: restart } }\n";
    for (const plan of [
      planFor("migrate", "exited: restart\n"),
      planFor("migrate", groups),
      planFor("migrate", `exited: skip\n${groups}`),
      planOf("programs: migrate\nhosts: { h: { exited: restart } }\nexited: skip\n"),
    ]) {
      const rollout = rolloutOf(plan, { h: [DONE] });
      assert.deepEqual(listed(rollout), ["h migrate"]);
      assert.deepEqual(rollout.skipped, []);
      assert.match(rollout.warnings[0]?.message ?? "", /^it is EXITED .* already; it will be restarted anyway$/);
    }
    const host = planOf("programs: migrate\nhosts: { h: { exited: skip } }\nexited: restart\n");
    assert.deepEqual(listed(rolloutOf(host, { h: [DONE] })), []);
  });

  it("is no one-shot while Supervisor starts it again: an instance that is EXITED for a moment is restarted", () => {
    const worker = instance("worker", { state: "EXITED" });
    assert.deepEqual(listed(rolloutOf(planFor("worker"), { h: [worker] })), ["h worker"]);
    const fatal = instance("worker", { state: "FATAL" });
    assert.deepEqual(listed(rolloutOf(planFor("worker"), { h: [fatal] })), ["h worker"]);
  });

  it("counts for no floor and no total, not even if it is run again: it ends once more", () => {
    const hosts: Hosts = { h: ["app:web", "app:beat", instance("app:migrate", { state: "EXITED", atRest: true })] };
    const floors = (settings: string) =>
      rolloutOf(planFor("app", `limits: { min_healthy: 50% }\n${settings}`), hosts).limits.floors;
    assert.deepEqual(floors(""), [{ program: "app", total: 2, min_healthy: 1 }]);
    assert.deepEqual(floors("exited: restart\n"), [{ program: "app", total: 2, min_healthy: 1 }]);
    assert.match(preview(planFor("app"), hosts), /^ {2}app: 1 of 2$/m);
    // Also where its host is not in the rollout at all.
    const plan = planOf("programs: app\nhosts: { h: , other: }\nlimits: { min_healthy: 1 }\n");
    const narrowed = { ...plan, waves: plan.waves.map((wave) => ({ ...wave, hosts: wave.hosts.slice(0, 1) })) };
    assert.equal(rolloutOf(narrowed, { h: ["app:web", "app:beat"], other: hosts["h"]! }).limits.floors[0]?.total, 4);
  });

  it("is run again by the resume of a rollout that meant to", () => {
    const all = rolloutOf(planFor("[web, migrate]", "exited: restart\n"), { h: ["web", DONE] });
    const resumed = readResumedRollout([{ type: "rollout.planned", ...all }])!;
    assert.deepEqual(listed(rolloutOf(planFor("[web, migrate]"), { h: ["web", DONE] }, { resumed })), [
      "h web",
      "h migrate",
    ]);
    // What has ended since has done its work.
    const web = instance("web", { state: "EXITED", atRest: true });
    assert.deepEqual(listed(rolloutOf(planFor("[web, migrate]"), { h: [web, DONE] }, { resumed })), ["h migrate"]);
  });
});

describe("an event listener", () => {
  const hosts: Hosts = {
    h: [instance("web", { config: { is_listener: false } }), instance("memmon", { config: LISTENER })],
  };

  it("is left out by patterns, which the preview says, and taken where its name is written", () => {
    for (const pattern of ['"*"', '"m*"', '"*:*"', '"[mw]e*"']) {
      const rollout = rolloutOf(planFor(pattern), hosts);
      assert.ok(!listed(rollout).includes("h memmon"), pattern);
      assert.deepEqual(
        rollout.skipped.map(({ instance: name, why }) => [name, why]),
        [["memmon", "it is an event listener, and no program names it"]],
      );
    }
    for (const named of ["memmon", "memmon:memmon", '"memmon:*"', '["*", memmon]', '[memmon, "*"]']) {
      const rollout = rolloutOf(planFor(named), hosts);
      assert.ok(listed(rollout).includes("h memmon"), named);
      assert.deepEqual(rollout.skipped, []);
    }
    assert.match(preview(planFor('"*"'), hosts), /^skipped\n {2}h memmon: it is an event listener/m);
  });

  it("is looked for where a pattern was used and Supervisor's configuration could not be read, which is said once a host", () => {
    const unread: Hosts = { h: [instance("web:0", { config: {} }), instance("web:1", { config: { priority: 999 } })] };
    const warned = rolloutOf(planFor('"*"'), unread).warnings;
    assert.equal(warned.length, 1);
    assert.match(warned[0]?.message ?? "", /^Supervisor's configuration of some programs could not be read: /);
    assert.deepEqual(rolloutOf(planFor("web"), unread).warnings, []);
    assert.deepEqual(rolloutOf(planFor('"*"'), hosts).warnings, []);
  });

  it("is restarted by the resume of a rollout that meant to", () => {
    const all = rolloutOf(planFor("memmon"), hosts);
    const resumed = readResumedRollout([{ type: "rollout.planned", ...all }])!;
    assert.deepEqual(listed(rolloutOf(planFor('"*"'), hosts, { resumed })), ["h memmon"]);
  });
});

describe("the order of what a pattern takes", () => {
  const at = (name: string, group_priority: number, priority = group_priority) =>
    instance(name, { config: { is_listener: false, group_priority, priority } });
  const hosts: Hosts = {
    h: [
      at("audio", 5),
      at("node", 20),
      at("novnc", 10),
      instance("other", { config: {} }),
      at("vnc", 5),
      at("xvfb", 0),
    ],
  };

  it("is Supervisor's own: priority of groups, then the name; an unknown priority counts as Supervisor's default", () => {
    assert.deepEqual(listed(rolloutOf(planFor('"*"'), hosts)), [
      "h xvfb",
      "h audio",
      "h vnc",
      "h novnc",
      "h node",
      "h other",
    ]);
  });

  it("is by name where nothing is known, and the list's where names are listed", () => {
    assert.deepEqual(listed(rolloutOf(planFor('"*"'), { h: ["a", "b", "c"] })), ["h a", "h b", "h c"]);
    assert.deepEqual(listed(rolloutOf(planFor("[node, xvfb, vnc]"), hosts)), ["h node", "h xvfb", "h vnc"]);
  });

  it("is that of processes within a group, however it was selected", () => {
    const mixed: Hosts = {
      h: [at("app:beat", 999, 30), at("app:web_0", 999, 10), at("app:web_1", 999, 10), at("app:x", 999, 5)],
    };
    for (const programs of ["app", '"*"', '"app:*"'])
      assert.deepEqual(listed(rolloutOf(planFor(programs), mixed)), [
        "h app:x",
        "h app:web_0",
        "h app:web_1",
        "h app:beat",
      ]);
  });
});
