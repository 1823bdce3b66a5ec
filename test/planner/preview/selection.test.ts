import assert from "node:assert/strict";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { parseStartedBefore } from "../../../src/planner/build/started-before.ts";
import type { RolloutId } from "../../../src/domain/ids.ts";
import { fleetOf, instance, listed, narrowed, planOf, problemsOf, rolloutOf } from "./plans.ts";

const PLAN = `
programs: web
hosts:
  web-[01-08]:
  db-1:
groups:
  canary: { hosts: web-01 }
  web: { hosts: ["web-*"], batches: { hosts: 50% } }
  jobs: { hosts: db-1, programs: worker }
`;

describe("the selection of hosts", () => {
  const plan = planOf(PLAN);
  const hostsOf = (wishes: Parameters<typeof narrowed>[1]) => narrowed(plan, wishes).hosts.map(({ name }) => name);

  it("takes names, node sets, globs and groups, in the plan's order", () => {
    assert.deepEqual(hostsOf({ limit: ["web-[02-03]", "@canary"] }), ["web-01", "web-02", "web-03"]);
    assert.deepEqual(hostsOf({ limit: ["d*"] }), ["db-1"]);
  });

  it("removes excluded hosts, also from all", () => {
    assert.deepEqual(hostsOf({ exclude: ["web-*"] }), ["db-1"]);
    assert.deepEqual(hostsOf({ limit: ["@web"], exclude: ["web-[02-08]"] }), ["web-01"]);
  });

  it("contacts only the selected hosts, and has no wave without any", () => {
    const { hosts, waves } = narrowed(plan, { limit: ["db-1"] });
    assert.equal(hosts.length, 1);
    assert.deepEqual(
      waves.map(({ group }) => group),
      ["jobs"],
    );
  });

  it("looks at all hosts of a plan with a floor, whose percentage is of all of them", () => {
    const floored = narrowed(planOf(`${PLAN}limits: { min_healthy: 75% }\n`), { limit: ["web-02"] });
    assert.equal(floored.hosts.length, 9);
    const names = floored.hosts.map(({ name }) => name);
    const rollout = rolloutOf(floored, Object.fromEntries(names.map((name) => [name, ["web:0", "web:1"]])));
    assert.deepEqual(listed(rollout), ["web-02 web:0", "web-02 web:1"]);
    assert.deepEqual(rollout.limits.floors, [{ program: "web", total: 18, min_healthy: 14 }]);
  });

  it("has percentages of hosts be of those that are left", () => {
    const left = narrowed(plan, { limit: ["web-[02-05]"] });
    const rollout = rolloutOf(left, Object.fromEntries(left.hosts.map(({ name }) => [name, ["web:0"]])));
    assert.deepEqual(
      rollout.waves.map(({ batches }) => batches.map(({ hosts }) => hosts.length)),
      [[2, 2]],
    );
  });

  it("finds a pattern that matches nothing a mistake, with a near name and what there is", () => {
    assert.deepEqual(problemsOf(plan, { limit: ["wbe-03"], exclude: ["@canari"] }), [
      '--limit: no host is called "wbe-03"; did you mean "web-03"?',
      '--exclude: no group is called "canari"; did you mean "@canary"?',
      "the plan has web-[01-08], db-1, and the groups @canary, @web, @jobs",
    ]);
  });

  it("finds an empty selection a mistake that shows what there is", () => {
    assert.deepEqual(problemsOf(plan, { limit: ["db-1"], exclude: ["db-*"] }), [
      "nothing is left to do: the plan has web-[01-08], db-1, and the groups @canary, @web, @jobs",
    ]);
  });
});

describe("the selection of programs", () => {
  const plan = narrowed(planOf(PLAN), { limit: ["web-01", "db-1"], programs: ["worker"] });

  it("holds in every wave, and leaves hosts alone that have none of them", () => {
    const hosts = { "web-01": ["web:0", "worker"], "db-1": ["worker", "web:0"] };
    assert.deepEqual(listed(rolloutOf(plan, hosts)), ["web-01 worker", "db-1 worker"]);
    const fewer = { "web-01": ["web:0"], "db-1": ["worker"] };
    assert.deepEqual(listed(rolloutOf(plan, fewer, { programsWhereFound: true })), ["db-1 worker"]);
  });

  it("is refused for a program that no host has", () => {
    const hosts = fleetOf({ "web-01": ["web:0"], "db-1": ["workers:0"] });
    const built = buildRollout(plan, hosts, { id: "x" as RolloutId }, { programsWhereFound: true });
    assert.ok(built.kind === "refused");
    assert.deepEqual(
      built.refusals.map(({ code, host }) => `${code} ${host}`),
      ["program_not_found web-01", "program_not_found db-1"],
    );
    assert.match(built.refusals[1]?.reason ?? "", /did you mean "workers"\?/);
  });

  it("points from all to *, where no program is called all", () => {
    const built = buildRollout(planOf("programs: all\nhosts: { h: }"), fleetOf({ h: ["web:0"] }), {
      id: "x" as RolloutId,
    });
    assert.ok(built.kind === "refused");
    assert.match(
      built.refusals[0]?.reason ?? "",
      /"all" is not on this host, which has web; for every program write "\*"/,
    );
  });
});

describe("what was started before some time", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const plan = planOf("programs: web\nhosts: { a: }\nlimits: { min_healthy: 1 }\n");
  const select = (when: string) => {
    const startedBefore = parseStartedBefore(when, now);
    assert.ok(startedBefore);
    const hosts = {
      a: [
        instance("web:old", { uptime_s: 7200 }),
        instance("web:new", { uptime_s: 300 }),
        instance("web:edge", { uptime_s: 3600 }),
        instance("web:fatal", { state: "FATAL" }),
        instance("web:starting", { state: "STARTING" }),
        instance("web:stopped", { state: "STOPPED" }),
      ],
    };
    return rolloutOf(plan, hosts, { startedBefore });
  };

  it("goes by uptimes: an instance with less is skipped, with the reason", () => {
    const rollout = select("1h");
    assert.deepEqual(
      rollout.skipped.map(({ instance: name, why }) => `${name}: ${why}`),
      ["web:new: it was started 5m ago, less than 1h", "web:stopped: it was STOPPED before the rollout"],
    );
    assert.match(select("2026-11-22T11:00Z").skipped[0]?.why ?? "", /^it was started 5m ago, after 2026-11-22T11:00Z$/);
  });

  it("includes broken and just spawned instances: nothing proves that they are new", () => {
    assert.deepEqual(listed(select("1h")), ["a web:old", "a web:edge", "a web:fatal", "a web:starting"]);
  });

  it("leaves skipped instances in the floor's total, as they run", () => {
    assert.deepEqual(select("1h").limits.floors, [{ program: "web", total: 5, min_healthy: 1 }]);
  });

  it("may leave nothing to do", () => {
    assert.deepEqual(
      rolloutOf(plan, { a: [instance("web:new", { uptime_s: 5 })] }, { startedBefore: parseStartedBefore("1h", now)! })
        .waves,
      [],
    );
  });

  for (const text of [
    "yesterday",
    "2026-11-22T10:00",
    "2026-11-22",
    "2026-02-30T10:00Z",
    "2026-11-22T25:00Z",
    "-1h",
    "",
  ])
    it(`cannot be read from ${JSON.stringify(text)}`, () => assert.equal(parseStartedBefore(text, now), undefined));

  it("is read with any zone, and with seconds", () => {
    assert.equal(parseStartedBefore("2026-11-22T12:30:15.5+01:00", now)?.leastUptimeMs, 1_784_500);
  });
});
