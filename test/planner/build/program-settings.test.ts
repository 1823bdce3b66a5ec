import assert from "node:assert/strict";
import type { HostName, RolloutId } from "../../../src/domain/ids.ts";
import { ownWork, worksOf, type Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout, type Built } from "../../../src/planner/build/build.ts";
import { parsePlan } from "../../../src/planner/plan/load.ts";
import { narrow } from "../../../src/planner/plan/selection.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import { SimFleet } from "../../sim/sim-fleet.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";

const INSTANCES = ["web:0", "web:1", "queue_a:0", "queue_b:0", "app:web_0", "app:web_1", "app:beat", "migrate"];

/** Builds a plan over hosts that all run the same. */
function build(text: string, program: readonly string[] = []): { readonly built: Built; readonly fleet: SimFleet } {
  const loaded = parsePlan(text, "/plan.yaml", {});
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const narrowed = narrow(loaded.plan, { limit: [], exclude: [], programs: program });
  assert.ok(narrowed.ok);
  const names = loaded.plan.hosts.map(({ name }) => name);
  const fleet = new SimFleet(new VirtualTime(), names, INSTANCES);
  const id = "20261123T000000Z-0000" as RolloutId;
  const built = buildRollout(narrowed.plan, fleet.report(), { id }, { programsWhereFound: program.length > 0 });
  return { built, fleet };
}

function planned(text: string, program?: readonly string[]): Rollout {
  const { built } = build(text, program);
  assert.ok(built.kind === "planned", JSON.stringify(built));
  return built.rollout;
}

/** `host instance` with a setting of it, in the order in which they come. */
function settingsIn(rollout: Rollout, read: (work: ReturnType<typeof ownWork>) => unknown): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const work of worksOf(rollout))
    for (const batch of work.batches)
      for (const { instance } of batch.instances) found[`${work.host} ${instance}`] = read(ownWork(work, batch));
  return found;
}

describe("settings of programs", () => {
  it("win over those of the host, the group and the plan, and come to the instances of the first entry that names them", () => {
    const rollout = planned(`
timings: { min_healthy_time: 1s, healthy_deadline: 1m }
programs:
  - web: { timings: { min_healthy_time: 4s } }
  - "*": { vars: { of: rest } }
groups:
  all: { hosts: "*", timings: { min_healthy_time: 2s } }
hosts:
  a: { timings: { min_healthy_time: 3s } }
  b:
`);
    const times = settingsIn(rollout, ({ timings, vars }) => [timings.min_healthy_time_ms, vars["of"]]);
    assert.deepEqual(
      [times["a web:0"], times["b web:0"], times["a migrate"], times["b migrate"]],
      [
        [4000, undefined],
        [4000, undefined],
        [3000, "rest"],
        [2000, "rest"],
      ],
    );
  });

  it("that the plan gives hold in a group's own list as well, under those of the group", () => {
    const rollout = planned(`
programs:
  - web: { checks: [{ tcp: "a:1" }], leftovers: warn }
  - "queue*": { on_expected_exit: accept }
groups:
  all: { hosts: a, programs: [queue_a, web: { checks: [] }, app] }
hosts: { a: }
`);
    const settings = settingsIn(rollout, ({ checks, leftovers, on_expected_exit }) =>
      [checks.length, leftovers, on_expected_exit].join(" "),
    );
    assert.deepEqual(settings, {
      "a queue_a:0": "0 fail accept",
      "a web:0": "0 warn fail",
      "a web:1": "0 warn fail",
      "a app:beat": "0 fail fail",
      "a app:web_0": "0 fail fail",
      "a app:web_1": "0 fail fail",
    });
  });

  it("are kept by what --program names, and only what differs from the host is in the rollout", () => {
    const text = `
programs:
  - "app:web*": { batches: { instances: 2 }, hooks: { before_restart: "drain {process}" } }
  - app
hosts: { a: }
`;
    const [work] = worksOf(planned(text, ["app"]));
    assert.deepEqual(
      work?.batches.map(({ instances, settings }) => [instances.map(({ instance }) => instance), settings]),
      [
        [["app:beat"], undefined],
        [["app:web_0", "app:web_1"], { hooks: { before_restart: { command: "drain {process}", run: "host" } } }],
      ],
    );
  });

  it("do without checks and hooks that the plan has, by an empty list and by null", () => {
    const rollout = planned(`
checks: [{ tcp: "a:1" }]
hooks: { before_restart: x, after_healthy: y }
programs: { web: , queue_a: { checks: null, hooks: { before_restart: null } } }
hosts: { a: }
`);
    const settings = settingsIn(rollout, ({ checks, hooks }) => [checks.length, Object.keys(hooks)]);
    assert.deepEqual(settings["a web:0"], [1, ["before_restart", "after_healthy"]]);
    assert.deepEqual(settings["a queue_a:0"], [0, ["after_healthy"]]);
  });

  it("are shown by program in the preview", () => {
    const { built, fleet } = build(`
programs:
  - web: { checks: [{ http: "http://127.0.0.1/" }] }
  - "queue*": { on_expected_exit: accept, timings: { healthy_deadline: 5m } }
  - "app:web*": { limits: { min_healthy: 1 } }
hosts: { a: }
`);
    assert.ok(built.kind === "planned");
    const text = previewText(built.rollout, fleet.report());
    for (const line of [
      "  web each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host\n    check from the host: http://127.0.0.1/ answers 200\n",
      "  queue_a queue_b each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host\n    with healthy_deadline: 5m, on_expected_exit: accept\n",
      "  app:web*: 1 of 2 (min_healthy: 1)\n",
    ])
      assert.ok(text.includes(line), text);
  });
});

describe("an exclusion of programs", () => {
  it("takes from what stands before it, and what comes after may bring it back", () => {
    const rollout = planned(`programs: ["*", "!app", "!migrate", "app:beat"]\nhosts: { a: }\n`);
    const names = Object.keys(settingsIn(rollout, () => true));
    assert.deepEqual(names, ["a queue_a:0", "a queue_b:0", "a web:0", "a web:1", "a app:beat"]);
  });

  it("may leave nothing of a program on a host: the program is not missing there", () => {
    const { built } = build(`programs: ["*", migrate, "!migrate"]\nhosts: { a: }\n`);
    assert.equal(built.kind, "planned");
  });
});

describe("an exclusion that nothing on the fleet matches", () => {
  const warned = (text: string, limit: readonly string[] = []) => {
    const loaded = parsePlan(text, "/plan.yaml", {});
    assert.ok(loaded.ok);
    const narrowed = narrow(loaded.plan, { limit, exclude: [], programs: [] });
    assert.ok(narrowed.ok);
    const fleet = new SimFleet(new VirtualTime(), ["a" as HostName, "b" as HostName], INSTANCES);
    const built = buildRollout(narrowed.plan, fleet.report(), { id: "20261123T000000Z-0000" as RolloutId });
    assert.ok(built.kind === "planned");
    return built.rollout.warnings.map(({ message }) => message).filter((message) => message.includes("excludes"));
  };

  it("is a warning, as what it was meant for is restarted", () => {
    assert.deepEqual(warned(`programs: ["*", "!migrat", "!app:beat"]\nhosts: { a: , b: }\n`), [
      '"!migrat" excludes nothing: no host has it; did you mean "migrate"?',
    ]);
  });

  it("is none where only a part of the hosts is looked at: the rest may have it", () => {
    assert.deepEqual(warned(`programs: ["*", "!migrat"]\nhosts: { a: , b: }\n`, ["a"]), []);
  });
});

describe("a floor of a program", () => {
  it("holds for what a pattern matches, next to that of each group", () => {
    const rollout = planned(`
limits: { min_healthy: 1 }
programs: ["app:web*": { limits: { min_healthy: 75% } }, app]
hosts: { a: , b: }
`);
    assert.deepEqual(rollout.limits.floors, [
      { program: "app", total: 6, min_healthy: 1 },
      { program: "app:web*", selects: ["app:web*"], total: 4, min_healthy: 3 },
    ]);
  });

  it("takes the place of the plan's for one whole group", () => {
    const rollout = planned(`
limits: { min_healthy: 75% }
programs: [web, migrate: { limits: { min_healthy: 0 } }]
hosts: { a: , b: }
`);
    assert.deepEqual(rollout.limits.floors, [{ program: "web", total: 4, min_healthy: 3 }]);
  });

  it("that no restart could keep is refused, with the pattern's name", () => {
    const { built } = build(`programs: ["app:web*": { limits: { min_healthy: 2 } }]\nhosts: { a: }\n`);
    assert.ok(built.kind === "refused");
    assert.match(built.refusals[0]?.reason ?? "", /keeps 2 of 2 app:web\* healthy, so none of them could ever/);
  });

  it("is counted over all hosts, also where a resume of what was narrowed is narrowed further", () => {
    const plan = parsePlan(
      `limits: { min_healthy: 50% }\nprograms: app\nstopped: start\nhosts: { a: , b: , c: }\n`,
      "/p.yaml",
      {},
    );
    assert.ok(plan.ok);
    const first = narrow(plan.plan, { limit: ["a", "b"], exclude: [], programs: [] });
    assert.ok(first.ok);
    const second = narrow(first.plan, { limit: ["a"], exclude: [], programs: [] });
    assert.ok(second.ok);
    const fleet = new SimFleet(new VirtualTime(), ["a", "b", "c"] as HostName[], INSTANCES);
    for (const host of ["b", "c"]) fleet.process(host, "app:web_1").rest("STOPPED");
    const built = buildRollout(second.plan, fleet.report(), { id: "20261123T000000Z-0000" as RolloutId });
    assert.ok(built.kind === "planned");
    const inApp = INSTANCES.filter((name) => name.startsWith("app:")).length;
    assert.equal(built.rollout.limits.floors[0]?.total, 3 * inApp);
  });

  it("is counted over all hosts, also where --limit leaves out the wave whose programs have it", () => {
    const loaded = parsePlan(
      `groups:\n  one: { hosts: a, programs: ["app:web*": { limits: { min_healthy: 3 } }] }\n  two: { hosts: b, programs: app }\nhosts: { a: , b: }\n`,
      "/plan.yaml",
      {},
    );
    assert.ok(loaded.ok);
    const narrowed = narrow(loaded.plan, { limit: ["b"], exclude: [], programs: [] });
    assert.ok(narrowed.ok);
    const fleet = new SimFleet(new VirtualTime(), ["a", "b"] as HostName[], INSTANCES);
    const built = buildRollout(narrowed.plan, fleet.report(), { id: "20261123T000000Z-0000" as RolloutId });
    assert.ok(built.kind === "planned");
    assert.deepEqual(
      built.rollout.limits.floors.map(({ program, total, min_healthy }) => [program, total, min_healthy]),
      [["app:web*", 4, 3]],
    );
  });
});
