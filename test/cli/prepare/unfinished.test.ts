import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  newestIncomplete,
  newestUnfinished,
  resumableIn,
  unfinishedCalled,
} from "../../../src/cli/prepare/unfinished.ts";
import { newestRevertible, revertibleCalled } from "../../../src/cli/prepare/revertible.ts";
import type { Outcome, RolloutEvent } from "../../../src/domain/events.ts";
import type { RolloutId } from "../../../src/domain/ids.ts";
import { touchedIn } from "../../../src/planner/build/reverting.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { headOfJournal } from "../../../src/state/read-journal.ts";
import { journalFile, planDir } from "../../../src/state/state-dir.ts";
import { connected, failed, finished, healthy, planned, restarting } from "../../views/rollout-script.ts";

const [FIRST, SECOND, THIRD] = ["20261123T100000Z-0001", "20261123T110000Z-0002", "20261123T120000Z-0003"] as const;
const HOST = "host-1";

/** What a journal says: what the rollout selects, and what became of it. */
interface Kept {
  readonly instances: readonly string[];
  readonly resumes?: string;
  readonly reverts?: string;
  readonly healthy?: readonly string[];
  readonly failed?: readonly string[];
  /** Proven by an earlier one. */
  readonly proven?: readonly string[];
  /** Left out: it was cut off. */
  readonly outcome?: Outcome;
  readonly hooks?: object;
  /** Before it was planned. */
  readonly early?: readonly RolloutEvent[];
}

describe("the rollout that --resume continues", () => {
  let folder: string;
  let plan: Plan;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "orchestrate-unfinished-"));
    const file = join(folder, "plan.yaml");
    writeFileSync(file, "");
    plan = { name: "plan", file } as Plan;
    mkdirSync(planDir(folder, plan), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function fileOf(id: string): string {
    return journalFile(planDir(folder, plan), id as RolloutId);
  }

  function journal(id: string, { instances, resumes, reverts, outcome, hooks = {}, early = [], ...kept }: Kept): void {
    const proven = (kept.proven ?? []).map((instance) => ({ host: HOST, instance, pid: 200 }));
    const script = planned({
      waves: [{ group: "all", hosts: [HOST], hostsAtOnce: 1 }],
      instances,
      skipped: proven.map(({ host, instance }) => ({ host, instance, why: "it was restarted before and is healthy" })),
    });
    for (const wave of script.waves)
      for (const batch of wave.batches) for (const work of batch.hosts) Object.assign(work, { hooks });
    const reason = `"resumes":"20261101T000000Z-dead"`;
    const { type, waves, hosts, name, plan_file, ...more } = script;
    const restarted = [...(kept.healthy ?? []), ...(kept.failed ?? [])];
    const events = [
      ...early,
      // As the planner orders them: a resume stands before all that may be long.
      {
        type,
        reason,
        ...(resumes !== undefined && { resumes }),
        ...(reverts !== undefined && { reverts }),
        name,
        plan_file,
        hosts,
        waves,
        ...more,
        id,
        proven,
      },
      { type: "rollout.started" },
      ...restarted.filter((instance) => !kept.proven?.includes(instance)).map((each) => restarting(HOST, each)),
      ...(kept.healthy ?? []).map((instance) => healthy(HOST, instance)),
      ...(kept.failed ?? []).map((instance) => failed(HOST, instance, "check_failed", "status 503")),
      ...(outcome === undefined ? [] : [finished(outcome, {})]),
    ];
    writeFileSync(fileOf(id), events.map((event) => `${JSON.stringify({ rollout: id, ...event })}\n`).join(""));
  }

  function found() {
    const unfinished = newestUnfinished(plan, folder);
    return unfinished && ("id" in unfinished ? [unfinished.id, unfinished.how] : unfinished.problem);
  }

  /** How it can be resumed by its name, or why it cannot. */
  function called(id: string): string {
    const unfinished = unfinishedCalled(id, plan, folder);
    return "how" in unfinished ? unfinished.how : unfinished.problem;
  }

  function offered(): string[] {
    return resumableIn(plan, folder, 30).map(({ id, how }) => `${id} ${how}`);
  }

  it("is the one that resumed it, whichever of two that began in one second sorts first", () => {
    for (const [first, second] of [
      ["20261123T100000Z-0001", "20261123T100000Z-ffff"],
      ["20261123T110000Z-ffff", "20261123T110000Z-0001"],
    ] as const) {
      journal(first, { instances: ["web:a", "web:b"] });
      journal(second, { instances: ["web:b"], resumes: first });
      const unfinished = newestUnfinished(plan, folder);
      assert.ok(unfinished && "id" in unfinished);
      assert.equal(unfinished.id, second);
      assert.deepEqual(
        [...unfinished.resumed.planned.values()].flatMap((names) => [...names.keys()]),
        ["web:a", "web:b"],
      );
    }
  });

  it("is never one that a later rollout has reverted, nor an older one: to resume them would roll out again", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], failed: ["web:a"], outcome: "halted" });
    journal(SECOND, { instances: ["web:a", "web:b"], healthy: ["web:a"], failed: ["web:b"], outcome: "halted" });
    journal(THIRD, {
      instances: ["web:a", "web:b"],
      reverts: SECOND,
      healthy: ["web:a", "web:b"],
      outcome: "succeeded",
    });
    assert.equal(found(), undefined);
    assert.deepEqual(offered(), [`${FIRST} halted`]);
    assert.match(called(SECOND), new RegExp(`was already reverted as ${THIRD} \\(succeeded\\)`));
    assert.equal(called(FIRST), "halted");
  });

  it("is the revert for as long as that is not done", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], healthy: ["web:a"], failed: ["web:b"], outcome: "halted" });
    journal(SECOND, { instances: ["web:a", "web:b"], reverts: FIRST, healthy: ["web:a"] });
    assert.deepEqual(found(), [SECOND, "cut off"]);
    assert.match(called(FIRST), new RegExp(`is being reverted as ${SECOND}, .*Resume that one: --resume ${SECOND}`));
    journal(THIRD, { instances: ["web:b"], resumes: SECOND, reverts: FIRST, healthy: ["web:b"], outcome: "succeeded" });
    assert.equal(found(), undefined);
  });

  it("to be reverted is the newest that has restarted something, or the one of an id, unless it is a revert or was reverted", () => {
    const revertible = (id?: string) => {
      const one = id === undefined ? newestRevertible(plan, folder) : revertibleCalled(id, plan, folder);
      return "id" in one ? [one.id, [...touchedIn(one.chain).values()].flat()] : one.problem;
    };
    assert.match(String(revertible()), /no rollout of this plan.* has restarted anything/);
    journal(FIRST, {
      instances: ["web:a", "web:b", "web:c"],
      healthy: ["web:a"],
      failed: ["web:b"],
      outcome: "halted",
    });
    journal(SECOND, { instances: ["web:b", "web:c"], outcome: "interrupted" });
    assert.deepEqual(revertible(), [FIRST, ["web:a", "web:b"]]);
    assert.match(String(revertible(SECOND)), /has restarted nothing: there is nothing to revert/);
    journal(SECOND, { instances: ["web:b", "web:c"], resumes: FIRST, healthy: ["web:b"], outcome: "interrupted" });
    assert.deepEqual(revertible(), [SECOND, ["web:a", "web:b"]]);
    // All that resumed it is reverted with it.
    assert.deepEqual(revertible(FIRST), [FIRST, ["web:a", "web:b"]]);
    journal(THIRD, {
      instances: ["web:a", "web:b"],
      reverts: FIRST,
      healthy: ["web:a", "web:b"],
      outcome: "succeeded",
    });
    for (const id of [undefined, FIRST, SECOND]) assert.match(String(revertible(id)), /already reverted as/);
    assert.match(String(revertible(THIRD)), /is itself a revert, of .*: it cannot be reverted/);
  });

  it("is a narrowed resume for as long as anything of its chain is failed or untouched, and each id leads to it", () => {
    journal(FIRST, {
      instances: ["web:a", "web:b", "web:c"],
      healthy: ["web:a"],
      failed: ["web:b"],
      outcome: "halted",
    });
    journal(SECOND, { instances: ["web:b"], resumes: FIRST, healthy: ["web:b"], outcome: "incomplete" });
    assert.deepEqual(found(), [SECOND, "incomplete"]);
    assert.equal(called(SECOND), "incomplete");
    assert.equal(
      called(FIRST),
      `rollout ${FIRST} was already resumed as ${SECOND}. Resume that one: --resume ${SECOND}`,
    );
    assert.deepEqual(offered(), [`${SECOND} incomplete`]);

    journal(THIRD, { instances: ["web:c"], resumes: SECOND, healthy: ["web:c"], outcome: "succeeded" });
    assert.equal(found(), undefined);
    assert.equal(called(THIRD), `rollout ${THIRD} has finished (succeeded): nothing to resume`);
    for (const id of [FIRST, SECOND])
      assert.equal(
        called(id),
        `rollout ${id} was already resumed as ${THIRD}, which has finished (succeeded): nothing to resume`,
      );
    assert.deepEqual(offered(), []);
  });

  it("is a narrowed resume that was cut off when all of it was done, and nothing of the rest", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], failed: ["web:a"], outcome: "halted" });
    journal(SECOND, { instances: ["web:a"], resumes: FIRST, healthy: ["web:a"] });
    assert.deepEqual(found(), [SECOND, "cut off"]);
  });

  it("is a resume in which something died that an earlier rollout had proven", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], healthy: ["web:a"], failed: ["web:b"], outcome: "halted" });
    const outcome = "halted";
    journal(SECOND, {
      instances: ["web:b"],
      resumes: FIRST,
      proven: ["web:a"],
      healthy: ["web:b"],
      failed: ["web:a"],
      outcome,
    });
    assert.deepEqual(found(), [SECOND, "halted"]);
  });

  it("is one that was cut off when all was healthy, and something was not seen to be put back into service", () => {
    const hooks = { after_healthy: { command: "enable", run: "host" } };
    journal(FIRST, { instances: ["web:a"], healthy: ["web:a"], hooks });
    assert.deepEqual(found(), [FIRST, "cut off"]);
    journal(FIRST, { instances: ["web:a"], healthy: ["web:a"] });
    assert.equal(found(), undefined);
  });

  it("is one that was cut off with nothing left to restart, and something drained: nobody was told of that", () => {
    const about = { host: HOST, instance: "web:b", hook: "before_restart", ms: 1000 };
    const drained = { type: "hook.started", ...about } as RolloutEvent;
    journal(FIRST, { instances: ["web:a"], healthy: ["web:a"], early: [drained] });
    assert.deepEqual(found(), [FIRST, "cut off"]);
    journal(FIRST, { instances: ["web:a"], healthy: ["web:a"], early: [drained], outcome: "succeeded" });
    assert.equal(found(), undefined);
  });

  it("is one with failures that its plan tolerates only where it is named, and only for what failed", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], healthy: ["web:a"], failed: ["web:b"], outcome: "incomplete" });
    assert.equal(found(), undefined);
    assert.equal(newestIncomplete(plan, folder), FIRST);
    assert.equal(called(FIRST), "incomplete");
    assert.deepEqual(offered(), [`${FIRST} incomplete`]);
    // A host was unreachable, and left out.
    journal(SECOND, { instances: ["web:a", "web:b"], healthy: ["web:a", "web:b"], outcome: "incomplete" });
    assert.equal(newestIncomplete(plan, folder), undefined);
    assert.match(called(SECOND), /the hosts that it left out are no part of it/);
    assert.deepEqual(offered(), [`${FIRST} incomplete`]);
  });

  it("is none once a later rollout has done all that it left", () => {
    journal(FIRST, { instances: ["web:a", "web:b"], failed: ["web:a"], outcome: "halted" });
    journal(SECOND, { instances: ["web:a"], healthy: ["web:a"], outcome: "succeeded" });
    assert.deepEqual(found(), [FIRST, "halted"]);
    journal(SECOND, { instances: ["web:a", "web:b"], healthy: ["web:a", "web:b"], outcome: "succeeded" });
    assert.equal(found(), undefined);
  });

  it("is known from the head of a journal, be there much before it, and whatever its reason says", () => {
    const early = Array.from({ length: 3000 }, (_, index) => connected(`host-${index}`, 8));
    for (const resumes of [undefined, FIRST]) {
      journal(SECOND, { instances: ["web:a"], ...(resumes && { resumes }), early });
      assert.equal(headOfJournal(fileOf(SECOND)).resumes, resumes);
    }
    assert.equal(headOfJournal(fileOf(THIRD)).resumes, undefined);
  });
});
