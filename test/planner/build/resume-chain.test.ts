import assert from "node:assert/strict";
import type { HostName, InstanceName, ProgramName, RolloutId } from "../../../src/domain/ids.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { readResumedRollout, type ResumedRollout } from "../../../src/planner/build/resumed.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import { simulated } from "../../sim/rollouts.ts";
import { simulate } from "../../sim/simulate.ts";

const [ONE, TWO, THREE] = ["host-1", "host-2", "host-3"] as HostName[] as [HostName, HostName, HostName];

/** A rollout of three hosts that has halted: of the first one instance is healthy and one has failed. */
async function halted() {
  const made = simulated({ hosts: 3, instances: 2, maxUnreachable: 1 });
  made.fleet.behave(ONE, "web:1", { fileGone: true });
  const rollout = made.rollout();
  const { outcome, events } = await simulate(rollout, made.fleet, made.time);
  assert.equal(outcome, "halted");
  const journal = [{ type: "rollout.planned" as const, ...rollout }, ...events];
  const resumed = readResumedRollout(journal);
  assert.ok(resumed);
  return { ...made, resumed, journal };
}

type Halted = Awaited<ReturnType<typeof halted>>;

function resumeOf(
  { plan, fleet, resumed }: Halted,
  { only, of = resumed }: { only?: HostName[]; of?: ResumedRollout } = {},
): Rollout {
  const waves = plan.waves.map((wave) => ({
    ...wave,
    hosts: wave.hosts.filter(({ host }) => only?.includes(host) ?? true),
  }));
  const narrowed: Plan = { ...plan, waves };
  const built = buildRollout(narrowed, fleet.report(), { id: "resume" as RolloutId }, { resumed: of });
  assert.ok(built.kind === "planned");
  return built.rollout;
}

describe("what was healthy, died, and was taken out of service by a resume that was killed before its restart", () => {
  it("is checked and put back by the next one, where it runs again", async () => {
    const made = await halted();
    const of = { host: ONE, program: "web" as ProgramName, instance: "web:0" as InstanceName };
    const resumed = readResumedRollout([
      ...made.journal,
      { type: "hook.started", hook: "before_restart", ...of, ms: 1000 },
    ]);
    assert.ok(resumed);
    const [planned] = resumeOf(made, { of: resumed }).waves[0]?.batches[0]?.hosts[0]?.batches[0]?.instances ?? [];
    assert.deepEqual([planned?.instance, planned?.action], ["web:0", "gate"]);
  });
});

describe("the old processes that a resume looks for, where a supervisord was killed and what it ran lives on", () => {
  /** What the resume knows of web:0 of the second host, once another supervisord has started it. */
  async function oldPids(of: { observed: number[] }) {
    const made = await halted();
    const before = made.fleet.process(TWO, "web:0").pid;
    const web = { host: TWO, program: "web" as ProgramName, instance: "web:0" as InstanceName };
    const seen = of.observed.map((pid) => ({
      type: "instance.observed" as const,
      ...web,
      state: "RUNNING" as const,
      pid,
    }));
    const resumed = readResumedRollout([...made.journal, ...seen]);
    assert.ok(resumed);
    made.fleet.killSupervisor(TWO);
    made.fleet.startSupervisor(TWO);
    const works = resumeOf(made, { of: resumed }).waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts));
    const planned = works
      .filter(({ host }) => host === TWO)
      .flatMap(({ batches }) => batches.flatMap(({ instances }) => instances))
      .find(({ instance }) => instance === "web:0");
    return { before, found: planned?.old_pids };
  }

  it("are what ran when the first rollout was planned, be it untouched", async () => {
    const { before, found } = await oldPids({ observed: [] });
    assert.deepEqual(found, [before]);
  });

  it("and what a look has seen in its place since", async () => {
    const { before, found } = await oldPids({ observed: [9991, 9992] });
    assert.deepEqual(found, [before, 9991, 9992]);
  });
});

describe("what a resume leaves open of its chain", () => {
  it("is nothing where it takes all that is not healthy", async () => {
    const made = await halted();
    assert.equal(resumeOf(made).left_open, undefined);
    assert.equal(resumeOf(made, { only: [ONE, TWO, THREE] }).left_open, undefined);
  });

  it("has the failed and untouched instances of the hosts that it leaves out, and the preview names them", async () => {
    const made = await halted();
    assert.deepEqual(resumeOf(made, { only: [THREE] }).left_open, [
      { host: ONE, as: "failed", instances: ["web:1"] },
      { host: TWO, as: "untouched", instances: ["web:0", "web:1"] },
    ]);
    assert.match(
      previewText(resumeOf(made, { only: [THREE] }), made.fleet.report()),
      /\nnot in this resume\n {2}failed: host-1 web:1\n {2}untouched: host-2 web:\[0-1\]\n/,
    );
  });

  it("is what it cannot reach, within the budget", async () => {
    const made = await halted();
    made.fleet.unreachable.add(TWO);
    assert.deepEqual(resumeOf(made).left_open, [{ host: TWO, as: "untouched", instances: ["web:0", "web:1"] }]);
  });

  it("is also what nobody saw the end of", async () => {
    const made = await halted();
    const unknown = { kind: "unknown", previousPid: 1, previousStart: undefined, sent: { action: "restart" } } as const;
    const outcomes = new Map([[TWO, new Map([["web:0" as InstanceName, unknown]])]]);
    assert.deepEqual(resumeOf(made, { only: [ONE, THREE], of: { ...made.resumed, outcomes } }).left_open, [
      { host: TWO, as: "unknown", instances: ["web:0"] },
      { host: TWO, as: "untouched", instances: ["web:1"] },
    ]);
  });

  it("is not what Supervisor no longer lists: that can never be done, and is warned of", async () => {
    const made = await halted();
    made.fleet.remove(ONE, "web:1" as InstanceName);
    const { left_open, warnings } = resumeOf(made);
    assert.equal(left_open, undefined);
    assert.deepEqual(
      warnings.flatMap(({ host, instance, message }) => (host === ONE ? [`${instance}: ${message}`] : [])),
      ["web:1: it was part of the rollout that is resumed, and Supervisor no longer lists it"],
    );
  });

  it("does not have instances that are skipped for a reason, such as that they were stopped since", async () => {
    const made = await halted();
    made.fleet.process(TWO, "web:0").state = "STOPPED";
    const { left_open, skipped } = resumeOf(made);
    assert.equal(left_open, undefined);
    assert.deepEqual(
      skipped.filter(({ host }) => host === TWO).map(({ why }) => why),
      ["it was STOPPED before the rollout"],
    );
  });
});

it("a resume counts what its rollout has left STOPPED for the floor: nobody has stopped it, so it has some to spare", async () => {
  const made = await halted();
  const plan = { ...made.plan, limits: { ...made.plan.limits, min_healthy: { percent: 80 } } };
  assert.deepEqual(resumeOf({ ...made, plan }).limits.floors, [{ program: "web", total: 6, min_healthy: 5 }]);
  assert.deepEqual(resumeOf({ ...made, plan }, { only: [TWO] }).limits.floors[0]?.total, 6);
});

describe("the preview of a resume", () => {
  it("names instances that may still be drained and are not put back, as they were stopped since", async () => {
    const made = await halted();
    made.fleet.process(TWO, "web:0").state = "STOPPED";
    const leftDrained = {
      instances: [TWO, THREE].map((host) => ({ host, instance: "web:0" as InstanceName })),
      hosts: [ONE],
    };
    const of = { ...made.resumed, leftDrained };
    const words =
      "it may still be drained (before_restart started and after_healthy did not succeed), and this rollout leaves it alone: put it back into service by hand";
    const drained = (rollout: Rollout) => rollout.warnings.filter(({ message }) => message.includes("drained"));
    assert.deepEqual(drained(resumeOf(made, { of })), [{ host: TWO, instance: "web:0", message: words }]);
    const narrowed = drained(resumeOf(made, { of, only: [TWO] }));
    assert.deepEqual(
      narrowed.map(({ host, instance }) => `${host} ${instance ?? "itself"}`),
      ["host-2 web:0", "host-3 web:0", "host-1 itself"],
    );
  });

  it("warns that healthy instances stay on the release that they were proven on", async () => {
    const made = await halted();
    assert.match(
      previewText(resumeOf(made), made.fleet.report()),
      /\n {2}1 instance is healthy and stays on the release that it was proven on: if another release was deployed since \S+, run the plan again without --resume\n/,
    );
  });
});

describe("hosts that were taken out of service together and not put back, in the resume of a rollout that was killed", () => {
  const hook = { command: "x", run: "controller" } as const;
  const hooks = { before_batch: hook, after_batch: hook };

  /** Killed over the first batch: of its two hosts one is done. */
  async function killed() {
    const made = simulated({ hosts: 3, instances: 1, hostsAtOnce: 2 });
    const plan = { ...made.plan, waves: made.plan.waves.map((wave) => ({ ...wave, hooks })) };
    const built = buildRollout(plan, made.fleet.report(), { id: "first" as RolloutId });
    assert.ok(built.kind === "planned");
    const { events } = await simulate(built.rollout, made.fleet, made.time, {
      onHook: ({ hook: name }) => (name === "after_batch" ? { kind: "failed", reason: "no" } : { kind: "succeeded" }),
    });
    const healthy = events.findIndex((event) => event.type === "instance.healthy" && event.host === ONE);
    const sent = events.findIndex((event) => event.type === "instance.restarting" && event.host === TWO);
    const journal = [
      { type: "rollout.planned" as const, ...built.rollout },
      ...events
        .slice(0, healthy + 1)
        .filter((event, index) => index <= sent || !("host" in event) || event.host !== TWO),
    ];
    const resumed = readResumedRollout(journal);
    assert.ok(resumed);
    return { ...made, plan, resumed, journal };
  }

  const leftIn = ({ waves }: Rollout) => waves.flatMap(({ batches }) => batches.map((batch) => batch.left_drained));
  const warnedOf = ({ warnings }: Rollout) =>
    warnings.flatMap(({ host, message }) => (message.includes("before_batch started for all") ? [host] : []));

  it("are put back by the first batch that has one of them, also those that are done", async () => {
    const made = await killed();
    const rollout = resumeOf(made);
    assert.deepEqual(rollout.left_drained?.batches, [{ group: "all", hosts: [ONE, TWO] }]);
    assert.deepEqual(leftIn(rollout), [[ONE]]);
    assert.deepEqual(warnedOf(rollout), []);
  });

  it("are left alone and warned of where the command line leaves them out, or leaves them open", async () => {
    const made = await killed();
    // It restarts the third host only: the first is not selected, the second is neither and has failed.
    const narrowed = { ...made, plan: { ...made.plan, hosts: made.plan.hosts.filter(({ name }) => name === THREE) } };
    const rollout = resumeOf(narrowed, { only: [THREE] });
    assert.deepEqual(leftIn(rollout), [undefined]);
    assert.deepEqual(warnedOf(rollout), [ONE, TWO]);
  });

  it("are warned of where the plan no longer has the hook that would put them back", async () => {
    const made = await killed();
    const without = { ...made, plan: { ...made.plan, waves: made.plan.waves.map(({ hooks: _, ...wave }) => wave) } };
    assert.deepEqual(warnedOf(resumeOf(without)), [ONE, TWO]);
  });
});
