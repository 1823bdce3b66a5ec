import { amount } from "../../amount.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { programOf, type InstanceName } from "../../../src/domain/ids.ts";
import { countsFor, type Batch, type InstanceBatch, type Rollout } from "../../../src/domain/rollout.ts";
import { capacityForecasts } from "../../../src/planner/build/capacity.ts";
import { chunks } from "../../../src/planner/build/host-batches.ts";
import { leastMs } from "../../../src/domain/least-duration.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import type { SimFleet } from "../../sim/sim-fleet.ts";
import { simulate, type Simulated } from "../../sim/simulate.ts";
import { randomRollout, type RandomRollout } from "./random-rollouts.ts";
import { unfold, type UnfoldedRun } from "./unfold.ts";

/** The same ones on every run; fast-check names the seed and the path to the counterexample when one fails. */
const RUNS = amount(200, 50);
const ALWAYS_THE_SAME = { numRuns: RUNS, seed: 20_261_123 };

/** Every batch with its hosts, and each host's instances in order. */
type Restarts = { wave: number; batch: number; hosts: [host: string, instances: string[]][] }[];

function listedIn({ waves }: Pick<Rollout, "waves">): Restarts {
  return waves.flatMap(({ batches }, wave) =>
    batches.map(({ hosts }, batch) => ({
      wave: wave + 1,
      batch: batch + 1,
      hosts: hosts.map(({ host, batches: ofHost }): [string, string[]] => [
        host,
        ofHost.flatMap(({ instances }) => instances.map(({ instance }) => instance)),
      ]),
    })),
  );
}

function doneBy({ events }: Simulated): Restarts {
  const done: Restarts = [];
  for (const event of events) {
    if (event.type === "batch.started") {
      const { wave, batch, hosts } = event;
      done.push({ wave, batch, hosts: hosts.map((host) => [host, []]) });
    }
    if (event.type !== "instance.restarting") continue;
    const ofHost = done.at(-1)?.hosts.find(([host]) => host === event.host);
    assert.ok(ofHost, `${event.host} is restarted outside of its batch`);
    ofHost[1].push(event.instance);
  }
  return done;
}

/** What waits for a floor lets those of its instance batch pass that need not: then only the batches are in order. */
function inTheirBatches(restarts: Restarts, { waves, limits }: Rollout): Restarts {
  if (limits.floors.length === 0) return restarts;
  const works = waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts));
  let next = 0;
  return restarts.map((batch) => ({
    ...batch,
    hosts: batch.hosts.map(([host, instances]): [string, string[]] => {
      const sizes = works[next++]?.batches.map((one) => one.instances.length) ?? [];
      return [host, chunks(instances, sizes).flatMap((chunk) => chunk.toSorted())];
    }),
  }));
}

function runningIn(fleet: SimFleet): Map<string, Set<string>> {
  const running = new Map<string, Set<string>>();
  for (const [host, processes] of fleet.hosts)
    for (const [instance, { state }] of processes) {
      const program = programOf(instance);
      if (state === "RUNNING") running.set(program, (running.get(program) ?? new Set()).add(`${host} ${instance}`));
    }
  return running;
}

function check(property: (random: RandomRollout) => void | Promise<void>): Promise<void> {
  return fc.assert(
    fc.asyncProperty(randomRollout, async (make) => property(make())),
    ALWAYS_THE_SAME,
  );
}

describe(`for ${RUNS} random plans and fleets`, () => {
  it("the rollout that a dry run shows is what a run then does: batch by batch, each host's instances in their order", async () => {
    let restarts = 0;
    await check(async ({ rollout, fleet, time }) => {
      const run = await simulate(rollout, fleet, time);
      if (run.outcome === "halted") {
        assert.ok(
          rollout.warnings.some(({ message }) => /^min_healthy .*halt/.test(message)),
          "no word of a halt",
        );
        return;
      }
      assert.equal(run.outcome, "succeeded");
      assert.deepEqual(inTheirBatches(doneBy(run), rollout), inTheirBatches(listedIn(rollout), rollout));
      restarts += run.events.filter(({ type }) => type === "instance.restarting").length;
    });
    assert.ok(restarts > RUNS * 10, `only ${restarts} restarts were compared`);
  });

  it("the preview's text, unfolded, says just that: batches, hosts, instances, how many at once, and what is done to them", async () => {
    await check(({ rollout, fleet }) => {
      const text = previewText(rollout, fleet.report());
      const said = unfold(text);
      const meant = rollout.waves.flatMap(({ batches }, wave) =>
        batches.map((batch, index) => ({ wave: wave + 1, batch: index + 1, content: batch })),
      );
      assert.deepEqual(
        said.map(({ wave, batch }) => [wave, batch]),
        meant.map(({ wave, batch }) => [wave, batch]),
        text,
      );
      for (const [index, { content }] of meant.entries()) assertSaid(said[index]?.hosts ?? [], content, text);
    });
  });

  it("never fewer of a program are healthy than the preview says, and it takes no less time", async () => {
    await check(async ({ rollout, fleet, time }) => {
      const told = capacityForecasts({ waves: rollout.waves, floors: rollout.limits.floors }, fleet.report());
      const lowest = new Map(told.filter(({ selects }) => !selects).map((one) => [one.program, one.lowest]));
      const patterns = rollout.limits.floors
        .filter(({ selects }) => selects)
        .map((floor) => {
          const least = told.find(({ selects }) => selects === floor.selects)?.lowest ?? 0;
          return { name: floor.program, counts: countsFor(floor), least };
        });
      const healthy = runningIn(fleet);
      const run = await simulate(rollout, fleet, time, {
        onEvent(event) {
          if (event.type !== "instance.restarting" && event.type !== "instance.healthy") return;
          const ofProgram = healthy.get(event.program) ?? new Set();
          healthy.set(event.program, ofProgram);
          const name = `${event.host} ${event.instance}`;
          if (event.type === "instance.healthy" && !event.stopped) ofProgram.add(name);
          else ofProgram.delete(name);
          assert.ok(
            ofProgram.size >= (lowest.get(event.program) ?? Infinity),
            `${ofProgram.size} ${event.program} left`,
          );
          for (const { name: pattern, counts, least } of patterns) {
            const all = [...healthy.values()].flatMap((some) => [...some]);
            const left = all.filter((one) => counts(one.split(" ")[1] as InstanceName)).length;
            assert.ok(!counts(event.instance) || left >= least, `${left} of ${pattern} left`);
          }
        },
      });
      const seconds = run.events.flatMap((event) => (event.type === "rollout.finished" ? event.seconds : []))[0] ?? 0;
      assert.ok(seconds * 1000 >= leastMs(rollout), `${seconds} s, and the preview says ${leastMs(rollout)} ms`);
    });
  });
});

/** Hosts that begin together may stand in any order; those that wait for a slot stand in theirs. */
function assertSaid(
  said: readonly { readonly host: string; readonly runs: readonly UnfoldedRun[] }[],
  batch: Batch,
  text: string,
): void {
  const meant = batch.hosts.map(({ host, batches }) => ({ host, batches }));
  const byName = (a: { host: string }, b: { host: string }) => (a.host < b.host ? -1 : 1);
  const [left, right] =
    batch.at_once < batch.hosts.length ? [said, meant] : [said.toSorted(byName), meant.toSorted(byName)];
  assert.deepEqual(
    left.map(({ host }) => host),
    right.map(({ host }) => host),
    text,
  );
  for (const [index, { runs }] of left.entries()) assertRuns(runs, right[index]?.batches ?? [], text);
}

function assertRuns(runs: readonly UnfoldedRun[], batches: readonly InstanceBatch[], text: string): void {
  const isSliding = batches.some(({ at_once, instances }) => at_once < instances.length);
  const said = runs.flatMap(({ names, atOnce }) => (isSliding ? [names] : chunks(names, [atOnce])));
  const meant = batches.map(({ instances }) => instances.map(({ instance }) => String(instance)));
  if (isSliding) assert.deepEqual(said.flat(), meant.flat(), text);
  else assert.deepEqual(said, meant, text);
  const markedByText = runs.flatMap(({ mark, marked }) => marked.map((name) => `${name} ${mark}`)).toSorted();
  const marked = batches.flatMap(({ instances }) => instances.filter(({ action }) => action !== "restart"));
  const marks = marked.map(({ instance, action, signal }) => `${instance} ${[action, signal ?? []].flat().join(" ")}`);
  assert.deepEqual(markedByText, marks.toSorted(), text);
}
