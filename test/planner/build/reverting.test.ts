import assert from "node:assert/strict";
import type { HostName, RolloutId } from "../../../src/domain/ids.ts";
import { worksOf, type Rollout } from "../../../src/domain/rollout.ts";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { readResumedRollout } from "../../../src/planner/build/resumed.ts";
import type { RevertedRollout } from "../../../src/planner/build/reverting.ts";
import { failed, healthy, restarting } from "../../views/rollout-script.ts";
import { fleetOf, instance, planOf, preview, rolloutOf, type Hosts } from "../preview/plans.ts";

const PLAN = planOf(`
programs: web
hosts: { "web-[1-4]": }
groups: { canary: { hosts: web-1 }, rest: { hosts: "web-[2-4]" } }
rollout: [{ group: canary, pause: 10m }, { group: rest }]
on_failure: revert
hooks: { before_host: "use new", before_restart: "drain {process}", after_host: "done" }
revert: { before_host: "use old", before_restart: null, after_rollout: "./announce back" }
limits: { max_unreachable: 0 }
`);

const FLEET: Hosts = {
  "web-1": ["web:0", "web:1"],
  "web-2": ["web:0", "web:1"],
  "web-3": ["web:0", "web:1"],
  "web-4": ["web:0", "web:1"],
};

/** A rollout of the plan that has done this. */
function reverted(events: readonly RolloutEvent[], more: Partial<RevertedRollout> = {}): RevertedRollout {
  const rollout = rolloutOf(PLAN, FLEET);
  const chain = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...events]);
  assert.ok(chain);
  return { id: rollout.id, chain, planHosts: new Set(Object.keys(FLEET) as HostName[]), ...more };
}

/** The canary is done, web-2 has one that is healthy and one that failed, and web-3 was only prepared. */
const HALTED: readonly RolloutEvent[] = [
  ...["web:0", "web:1"].flatMap((name) => [restarting("web-1", name), healthy("web-1", name)]),
  restarting("web-2", "web:0"),
  healthy("web-2", "web:0"),
  restarting("web-2", "web:1"),
  failed("web-2", "web:1", "fatal", "it is FATAL"),
  { type: "hook.started", hook: "before_host", host: "web-3" as HostName, ms: 1000 },
];

function instancesOf(rollout: Rollout): string[] {
  return [...worksOf(rollout)].flatMap(({ host, batches }) =>
    batches.flatMap(({ instances }) => instances.map((one) => `${host} ${one.instance} ${one.action}`)),
  );
}

describe("a revert", () => {
  it("restarts what was touched and nothing else: waves in reverse order, without pauses, what is down first", () => {
    const rollout = rolloutOf(PLAN, FLEET, { reverted: reverted(HALTED) });
    assert.deepEqual(
      rollout.waves.map(({ group, pause }) => [group, pause]),
      [
        ["rest", undefined],
        ["canary", undefined],
      ],
    );
    assert.deepEqual(instancesOf(rollout), [
      "web-2 web:1 restart",
      "web-2 web:0 restart",
      "web-1 web:0 restart",
      "web-1 web:1 restart",
    ]);
    assert.equal(rollout.reverts, "20261123T000000Z-0000");
    assert.deepEqual(rollout.untouched_hosts, ["web-3", "web-4"]);
    assert.equal(rollout.on_failure, "stop");
  });

  it("runs the hooks of revert in place of those of the same name, also on a host where only hooks had run", () => {
    const rollout = rolloutOf(PLAN, FLEET, { reverted: reverted(HALTED) });
    const works = [...worksOf(rollout)];
    assert.deepEqual(
      works.map(({ host, batches, hooks: { before_host, before_restart, after_host } }) => [
        host,
        batches.length,
        before_host?.command,
        before_restart,
        after_host?.command,
      ]),
      [
        ["web-2", 2, "use old", undefined, "done"],
        ["web-3", 0, "use old", undefined, "done"],
        ["web-1", 2, "use old", undefined, "done"],
      ],
    );
    assert.equal(rollout.hooks.after_rollout?.command, "./announce back");
  });

  it("starts what is STOPPED, whatever the plan says of what others have stopped", () => {
    const fleet = { ...FLEET, "web-2": ["web:0", instance("web:1", { state: "STOPPED" })] };
    const rollout = rolloutOf(PLAN, fleet, { reverted: reverted(HALTED) });
    assert.equal(instancesOf(rollout)[0], "web-2 web:1 start");
  });

  it("names what it cannot revert: of a host that is not reachable, of one where something may still act, and what is gone", () => {
    const fleet: Hosts = {
      ...FLEET,
      "web-1": ["web:0"],
      "web-2": { code: "supervisor_unavailable", reason: "no socket" },
    };
    const unreachable = rolloutOf(PLAN, fleet, { reverted: reverted(HALTED) });
    assert.deepEqual(instancesOf(unreachable), ["web-1 web:0 restart"]);
    assert.deepEqual(unreachable.unreachable, ["web-2"]);
    assert.deepEqual(unreachable.left_open, [{ host: "web-2", as: "untouched", instances: ["web:0", "web:1"] }]);
    assert.deepEqual(
      unreachable.skipped.map(({ host, instance: name, why }) => `${host} ${name}: ${why}`),
      ["web-1 web:1: it is not reverted: Supervisor no longer lists it"],
    );
    const acting = new Map([["web-1" as HostName, "a restart may still act"]]);
    const left = rolloutOf(PLAN, FLEET, { reverted: reverted(HALTED, { acting }) });
    assert.deepEqual(instancesOf(left), ["web-2 web:1 restart", "web-2 web:0 restart"]);
    assert.deepEqual(left.left_open, [{ host: "web-1", as: "untouched", instances: ["web:0", "web:1"] }]);
    assert.match(
      left.warnings.map(({ host, message }) => `${host} ${message}`).join(),
      /web-1 it is not reverted: a restart/,
    );
  });

  it("is refused where nothing of it can be reached", () => {
    const down = { code: "unreachable", reason: "no route" } as const;
    const fleet = fleetOf({ ...FLEET, "web-1": down, "web-2": down, "web-3": down });
    const built = buildRollout(PLAN, fleet, { id: "R" as RolloutId }, { reverted: reverted(HALTED) });
    assert.ok(built.kind === "refused");
    assert.deepEqual(
      built.refusals.map(({ code, host }) => [code, host]),
      [
        ["unreachable", "web-1"],
        ["unreachable", "web-2"],
      ],
    );
  });

  it("is completed by a resume, which knows what it has left out", () => {
    const fleet: Hosts = { ...FLEET, "web-2": { code: "unreachable", reason: "no route" } };
    const first = rolloutOf(PLAN, fleet, { reverted: reverted(HALTED) });
    const resumed = readResumedRollout([
      { type: "rollout.planned", ...first },
      restarting("web-1", "web:0"),
      healthy("web-1", "web:0"),
    ]);
    assert.ok(resumed);
    const rollout = rolloutOf(PLAN, FLEET, { resumed });
    assert.deepEqual(instancesOf(rollout), ["web-2 web:0 restart", "web-2 web:1 restart", "web-1 web:1 restart"]);
    assert.equal(rollout.reverts, first.reverts);
    assert.equal(rollout.left_open, undefined);
    assert.deepEqual(
      rollout.proven.map(({ host, instance: name }) => `${host} ${name}`),
      ["web-1 web:0"],
    );
    assert.deepEqual(
      [...worksOf(rollout)].map(({ hooks }) => hooks.before_host?.command),
      ["use old", "use old"],
    );
  });

  it("says in its preview which rollout it reverts, and what it leaves", () => {
    const fleet: Hosts = { ...FLEET, "web-2": { code: "unreachable", reason: "no route" } };
    const text = preview(PLAN, fleet, { reverted: reverted(HALTED) });
    assert.match(text, /^prod: 2 instances on 2 hosts would be restarted to revert rollout 20261123T000000Z-0000;/);
    assert.match(text, /not reverted\n {2}untouched: web-2 web:\[0-1\]/);
    assert.match(text, /It halts at the first failure\.\n/);
  });
});

describe("the instances of the reverted rollout that nobody saw the end of", () => {
  it("count as down before their turn, as those that failed do", () => {
    const events = [
      restarting("web-1", "web:0"),
      restarting("web-2", "web:1"),
      failed("web-2", "web:1", "fatal", "it is FATAL"),
    ];
    const rollout = rolloutOf(PLAN, FLEET, { reverted: reverted(events) });
    const planned = [...worksOf(rollout)].flatMap(({ batches }) => batches.flatMap(({ instances }) => instances));
    assert.deepEqual(
      planned.map(({ instance: name, failed_as }) => [name, failed_as]),
      [
        ["web:1", "fatal"],
        ["web:0", "indeterminate"],
      ],
    );
  });
});
