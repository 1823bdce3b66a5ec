import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestUnfinished } from "../../src/cli/unfinished.ts";
import type { RolloutId } from "../../src/domain/ids.ts";
import type { Plan } from "../../src/planner/plan.ts";
import { journalFile, planDir } from "../../src/state/state-dir.ts";

describe("the rollout that --resume goes on with", () => {
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

  /** A rollout that meant to restart some instances of a host, and was cut off when it had begun. */
  function journal(id: string, instances: readonly string[], resumes?: string): void {
    const batches = [{ instances: instances.map((instance) => ({ instance })) }];
    const waves = [{ batches: [{ hosts: [{ host: "host-1", batches, hooks: {} }] }] }];
    const planned = { type: "rollout.planned", id, rollout: id, waves, skipped: [], ...(resumes && { resumes }) };
    writeFileSync(journalFile(planDir(folder, plan), id as RolloutId), `${JSON.stringify(planned)}\n`);
  }

  it("is the one that resumed it, whichever of two that began in one second sorts first", () => {
    for (const [first, second] of [
      ["20261123T100000Z-0001", "20261123T100000Z-ffff"],
      ["20261123T110000Z-ffff", "20261123T110000Z-0001"],
    ] as const) {
      journal(first, ["web:a", "web:b"]);
      journal(second, ["web:b"], first);
      const found = newestUnfinished(plan, folder);
      assert.ok(found && "id" in found);
      assert.equal(found.id, second);
      assert.deepEqual(
        [...found.past.planned.values()].flatMap((names) => [...names]),
        ["web:a", "web:b"],
      );
    }
  });
});
