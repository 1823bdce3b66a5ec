import assert from "node:assert/strict";
import type { PlanAction } from "../../src/domain/action.ts";
import type { HostName, InstanceName, ProgramName, RolloutId } from "../../src/domain/ids.ts";
import { worksOf, type Rollout } from "../../src/domain/rollout.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { readResumedRollout } from "../../src/planner/build/resumed.ts";
import { narrow } from "../../src/planner/plan/selection.ts";
import { rolloutOf, simulated, type Sizes } from "./rollouts.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";

const WEB = "web" as ProgramName;
const SIZES: Sizes = { hosts: 2, instances: 2, hostsAtOnce: 1, minHealthy: 2 };

/** A fleet, and a plan that does this to all of it. */
function made(action: PlanAction, prepare: (fleet: SimFleet) => void, sizes: Sizes) {
  const { plan, fleet, time } = simulated(sizes);
  prepare(fleet);
  const narrowed = narrow(plan, { limit: [], exclude: [], programs: [], action });
  if (!narrowed.ok) throw new Error(narrowed.problems.join("; "));
  return { plan: narrowed.plan, fleet, time };
}

interface Resumed {
  readonly fleet: SimFleet;
  readonly planned: Rollout;
  readonly at: string;
}

/** Kills the rollout after each of its events in turn, and resumes it to its end. */
async function killedEverywhere(
  action: PlanAction,
  {
    prepare = () => undefined,
    sizes = SIZES,
  }: {
    readonly prepare?: (fleet: SimFleet) => void;
    readonly sizes?: Sizes;
  },
  judge: (resumed: Resumed) => void,
): Promise<number> {
  let killed = 0;
  for (let kept = 1; ; kept++) {
    const { plan, fleet, time } = made(action, prepare, sizes);
    const rollout = rolloutOf(plan, fleet);
    const run = await simulate(rollout, fleet, time, { killAfterEvent: kept });
    if (run.outcome !== undefined) return killed;
    killed++;
    const last = run.events[kept - 1];
    const at = `killed after event ${kept}: ${last?.type}`;
    const resumed = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...run.events.slice(0, kept)]);
    assert.ok(resumed, at);
    const id = "20261123T000001Z-0000" as RolloutId;
    const built = buildRollout(plan, fleet.report(), { id }, { resumed });
    assert.ok(built.kind === "planned", at);
    const again = await simulate(built.rollout, fleet, time);
    const failures = again.events.flatMap((event) => (event.type === "instance.failed" ? event.reason : []));
    assert.equal(again.outcome, "succeeded", `${at}; ${failures.join("; ")}`);
    judge({ fleet, planned: built.rollout, at });
  }
}

function processesOf(fleet: SimFleet) {
  return [...fleet.hosts].flatMap(([host, processes]) =>
    [...processes].map(([instance, it]) => ({ host, instance, it })),
  );
}

function write(fleet: SimFleet, count: number): void {
  const instances = new Map(Array.from({ length: count }, (_, index) => [`web:${index}` as InstanceName, {}]));
  for (const host of fleet.hosts.keys()) fleet.disks.write(host, WEB, { version: 1, instances });
}

describe("a rollout that is killed after any of its events, and resumed", () => {
  it("signals nothing twice, and says what may not have been signalled", async () => {
    let unsure = 0;
    const killed = await killedEverywhere({ signal: "HUP" }, {}, ({ fleet, planned, at }) => {
      const warned = new Set(planned.warnings.map(({ host, instance }) => `${host} ${instance}`));
      for (const { host, instance, it } of processesOf(fleet)) {
        assert.equal(it.state, "RUNNING", at);
        const times = it.signals.length;
        assert.ok(times === 1 || (times === 0 && warned.has(`${host} ${instance}`)), `${at}: signalled ${times} times`);
      }
      if (warned.size > 0) unsure++;
    });
    assert.ok(killed > 10 && unsure >= 4, `${killed} kills, ${unsure} of them amid a signal`);
  });

  it("does not signal again what was signalled when the connection was lost, killed or not", async () => {
    for (const isKilled of [false, true]) {
      const { plan, fleet, time } = made({ signal: "HUP" }, () => undefined, SIZES);
      const rollout = rolloutOf(plan, fleet);
      const run = await simulate(rollout, fleet, time, {
        onChange: () => ({ kind: "lost_under_way", afterMs: 1 }),
        // The event after that of the signal itself.
        ...(isKilled && { killAfterEvent: 5 }),
      });
      assert.equal(run.outcome, isKilled ? undefined : "halted");
      const before = processesOf(fleet).filter(({ it: process }) => process.signals.length > 0);
      assert.equal(before.length, 1, "one was signalled");
      const resumed = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...run.events]);
      assert.ok(resumed);
      const id = "20261123T000001Z-0000" as RolloutId;
      const built = buildRollout(plan, fleet.report(), { id }, { resumed });
      assert.ok(built.kind === "planned");
      assert.equal((await simulate(built.rollout, fleet, time)).outcome, "succeeded");
      for (const { it: process } of processesOf(fleet)) assert.equal(process.signals.length, 1);
    }
  });

  it("stops all that it was to stop", async () => {
    const sizes = { ...SIZES, minHealthy: 0 };
    const killed = await killedEverywhere("stop", { sizes }, ({ fleet, at }) => {
      for (const { it } of processesOf(fleet)) assert.equal(it.state, "STOPPED", at);
    });
    assert.ok(killed > 10, `${killed} kills`);
  });

  for (const [what, count] of [
    ["grows", 4],
    ["shrinks", 1],
    ["keeps its size", 2],
  ] as const)
    it(`updates each group, which ${what}, and leaves none stopped or removed`, async () => {
      const prepare = (fleet: SimFleet) => write(fleet, count);
      const sizes = { ...SIZES, minHealthy: Math.min(2, count) };
      const killed = await killedEverywhere("update", { prepare, sizes }, ({ fleet, at }) => {
        for (const host of fleet.hosts.keys()) {
          const reread = fleet.disks.reread(host);
          assert.ok(reread.kind === "read" && reread.groups.size === 0, `${at}: not all is loaded`);
          assert.equal(fleet.hosts.get(host)?.size, count, at);
        }
        for (const { it } of processesOf(fleet)) assert.equal(it.state, "RUNNING", at);
      });
      assert.ok(killed > 10, `${killed} kills`);
    });

  it("updates a group again that its killed update has left stopped or removed", async () => {
    for (const end of ["stopped", "removed"] as const) {
      const options: SimulateOptions = { onChange: () => ({ kind: "lost_half_way", afterMs: 600, end }) };
      const first = made("update", (fleet) => write(fleet, 3), SIZES);
      const whole = await simulate(rolloutOf(first.plan, first.fleet), first.fleet, first.time, options);
      const lost = whole.events.findIndex(({ type }) => type === "instance.indeterminate") + 1;
      assert.ok(lost > 0);
      const { plan, fleet, time } = made("update", (one) => write(one, 3), SIZES);
      const rollout = rolloutOf(plan, fleet);
      const run = await simulate(rollout, fleet, time, { ...options, killAfterEvent: lost });
      assert.equal(run.outcome, undefined);
      const left = [...(fleet.hosts.get("host-1" as HostName)?.values() ?? [])].map(({ state }) => state);
      assert.deepEqual(left, end === "removed" ? [] : ["STOPPED", "STOPPED"]);
      const resumed = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...run.events.slice(0, lost)]);
      assert.ok(resumed);
      const id = "20261123T000001Z-0000" as RolloutId;
      const built = buildRollout(plan, fleet.report(), { id }, { resumed });
      assert.ok(built.kind === "planned");
      const [work] = worksOf(built.rollout);
      const planned = work?.batches.map(({ is_update, instances }) => [
        is_update,
        instances.map((one) => one.failed_as),
      ]);
      assert.deepEqual(planned, [[true, ["indeterminate", "indeterminate", "indeterminate"]]]);
      assert.equal((await simulate(built.rollout, fleet, time)).outcome, "succeeded");
      assert.equal(fleet.hosts.get("host-1" as HostName)?.size, 3);
    }
  });
});
