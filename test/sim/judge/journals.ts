import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RolloutId } from "../../../src/domain/ids.ts";
import { newestIncomplete, newestUnfinished, unfinishedCalled } from "../../../src/cli/prepare/unfinished.ts";
import { newestRevertible } from "../../../src/cli/prepare/revertible.ts";
import { touchedIn } from "../../../src/planner/build/reverting.ts";
import { readResumedRollout, type ResumedRollout } from "../../../src/planner/build/resumed.ts";
import { journalFile, planDir } from "../../../src/state/state-dir.ts";
import type { SimEvent } from "../sim-controller.ts";

/** What is kept of rollouts, one after the other. */
export interface Journals {
  /** @param events those that are certain to be kept */
  keep(id: RolloutId, events: readonly SimEvent[]): void;
  /** What a resume goes by; undefined where there is nothing to resume. */
  resumed(): ResumedRollout | undefined;
  /** What a revert goes by; undefined where there is nothing to revert. */
  reverted(): ResumedRollout | undefined;
  close(): void;
}

/** The newest rollout with all that it resumes: the caller knows whether there is anything to resume. */
export class KeptInMemory implements Journals {
  private readonly events: SimEvent[] = [];

  keep(_id: RolloutId, events: readonly SimEvent[]): void {
    const planned = events.find((event) => event.type === "rollout.planned");
    // Nothing resumes what a revert has put back.
    if (planned?.reverts !== undefined && planned.resumes === undefined) this.events.length = 0;
    this.events.push(...events);
  }

  reverted(): ResumedRollout | undefined {
    const chain = readResumedRollout(this.events);
    return chain && touchedIn(chain).size > 0 ? chain : undefined;
  }

  resumed(): ResumedRollout | undefined {
    return readResumedRollout(this.events);
  }

  close(): void {
    this.events.length = 0;
  }
}

/** As the command keeps and finds them: in files, of which the last line may be torn. */
export class KeptInFiles implements Journals {
  private readonly state = mkdtempSync(join(tmpdir(), "orchestrate-sim-"));
  private readonly plan = { name: "simulated", file: join(this.state, "plan.yaml") };

  constructor() {
    writeFileSync(this.plan.file, "");
  }

  keep(id: RolloutId, events: readonly SimEvent[]): void {
    const file = journalFile(planDir(this.state, this.plan), id);
    mkdirSync(dirname(file), { recursive: true });
    const isWhole = events.at(-1)?.type === "rollout.finished";
    writeFileSync(file, `${events.map((event) => JSON.stringify(event)).join("\n")}\n${isWhole ? "" : '{"v":1,"se'}`);
  }

  /** As `--resume` does it: the newest that is unfinished, or by its name the newest that has ended incomplete. */
  resumed(): ResumedRollout | undefined {
    const incomplete = newestIncomplete(this.plan, this.state);
    const found =
      newestUnfinished(this.plan, this.state) ??
      (incomplete === undefined ? undefined : unfinishedCalled(incomplete, this.plan, this.state));
    if (found && "problem" in found) throw new Error(found.problem);
    return found?.resumed;
  }

  /** As `--revert` does it. */
  reverted(): ResumedRollout | undefined {
    const found = newestRevertible(this.plan, this.state);
    return "problem" in found ? undefined : found.chain;
  }

  close(): void {
    rmSync(this.state, { recursive: true });
  }
}
