import type { Outcome, RolloutEvent } from "../../../src/domain/events.ts";
import { foldNames } from "../../../src/domain/node-set.ts";
import type { HostName, RolloutId } from "../../../src/domain/ids.ts";
import { worksOf, type Rollout, type Selection } from "../../../src/domain/rollout.ts";
import { takeLocks } from "../../../src/executor/locks.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { changesForRevert, changesSince } from "../../../src/planner/build/changes-since.ts";
import { hostsToRevert } from "../../../src/planner/build/reverting.ts";
import type { ResumedRollout } from "../../../src/planner/build/resumed.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { narrow, onlyOn } from "../../../src/planner/plan/selection.ts";
import { interfering, type Interference } from "../interference.ts";
import type { SeededRandom } from "../random.ts";
import type { Scenario } from "../scenario.ts";
import type { SimSpawn } from "../sim-process.ts";
import { SimController } from "../sim-controller.ts";
import type { SimulateOptions } from "../simulate.ts";
import { floorsOf, type JudgedFloor } from "./floors.ts";
import type { Journals } from "./journals.ts";
import { witnessed, type Trial, type Witness } from "./trial.ts";

/** One call of orchestrate. */
export interface Call {
  /** A revert of what its journals have, but for these hosts, where something of it may still act. */
  readonly reverts?: { readonly acting: ReadonlySet<HostName> };
  /** What `--limit` says, as far as the resumed rollout has these; none: all of the plan. */
  readonly limit?: readonly HostName[];
  readonly options: SimulateOptions;
  readonly interference: Interference;
  /** The controller is killed after so many events of the rollout. */
  readonly killAfterEvent?: number;
}

export type Invocation =
  /** There is nothing to resume. */
  | { readonly kind: "finished" }
  /** Nothing was started. */
  | { readonly kind: "refused"; readonly reasons: readonly string[] }
  | ({
      readonly kind: "killed" | "stuck";
      readonly resumed: ResumedRollout | undefined;
      readonly lost: readonly RolloutEvent[];
    } & Ran)
  | ({
      readonly kind: "ended";
      readonly outcome: Outcome;
      /** Left out unless it is to be reverted by itself. */
      readonly toRevert?: Pick<SimController, "settle">;
    } & Ran);

interface Ran {
  readonly rollout: Rollout;
  /** As far as they are certain to be kept. */
  readonly events: readonly RolloutEvent[];
}

/**
 * A plan that is run, and resumed for as long as anything of it is open, each time from what its journals have for
 * certain. All as the command does it, but for the terminal and the files.
 */
export class Story {
  private readonly made: Scenario;
  private readonly random: SeededRandom;
  private readonly fail: (what: string) => void;
  private readonly witnessesOf: (trial: Trial) => readonly Witness[];
  private readonly journals: Journals;
  private rollouts = 0;
  private hasRun = false;
  /** By the first rollout of each chain. */
  private readonly firstFloors = new Map<RolloutId, readonly JudgedFloor[] | undefined>();
  /** The processes that a rollout with a journal may have seen. */
  private recorded: ReadonlySet<SimSpawn> = new Set();

  /**
   * @param fail told what was promised and not kept
   * @param witnessesOf who judges a rollout that begins
   */
  constructor(
    made: Scenario,
    random: SeededRandom,
    journals: Journals,
    fail: (what: string) => void,
    witnessesOf: (trial: Trial) => readonly Witness[],
  ) {
    this.made = made;
    this.random = random;
    this.journals = journals;
    this.fail = fail;
    this.witnessesOf = witnessesOf;
  }

  async call({ limit = [], reverts, options, interference, killAfterEvent = Infinity }: Call): Promise<Invocation> {
    const { time, fleet } = this.made;
    const id = `20261123T0000${String(++this.rollouts).padStart(2, "0")}Z-0000` as RolloutId;
    const chain = reverts && this.journals.reverted();
    if (reverts && !chain) return { kind: "finished" };
    const resumed = reverts ? undefined : this.journals.resumed();
    if (!reverts && !resumed && this.hasRun) return { kind: "finished" };
    const plan = this.planOf(chain ?? resumed, limit, reverts !== undefined);
    const trial: { current: Trial | undefined } = { current: undefined };
    const witnesses: Witness[] = [];
    const watched = witnessed(interfering(interference, time, options), witnesses, { made: this.made });
    const controller = new SimController(id, fleet, time, { ...watched, killAfterEvent });
    const { world, recorder, journal } = controller;
    const report = await controller.discover(plan);
    const acting = new Map([...(reverts?.acting ?? [])].map((host) => [host, "a restart may still act"] as const));
    const planHosts = new Set(this.made.plan.hosts.map(({ name }) => name));
    const reverted = chain && { id: chain.id, chain, planHosts, acting };
    const refused = (...reasons: string[]): Invocation => {
      fleet.forgetLooksSince(this.recorded);
      return { kind: "refused", reasons };
    };
    const built = buildRollout(plan, report, { id }, { ...(resumed && { resumed }), ...(reverted && { reverted }) });
    if (built.kind === "refused")
      return refused(...built.refusals.map(({ code, host, reason }) => `${code} ${host}: ${reason}`));
    const rollout = await controller.withCheckWarnings(built.rollout);
    const owner = { rollout: id, who: "the simulator", since: "now" };
    const locked = await time.until(takeLocks(world.fleet, rollout, owner));
    if (locked) return refused(`${locked.code}: ${locked.reason}`);
    recorder.record({ type: "rollout.planned", ...rollout });
    const problem = await controller.keep();
    if (problem !== undefined) return refused(`journal_unwritable: ${problem}`);
    this.recorded = fleet.seenSpawns;
    const judged = { made: this.made, rollout, report, fail: this.fail };
    trial.current = { ...judged, floorsAtFirst: this.floorsAtFirst(judged) };
    witnesses.push(...this.witnessesOf(trial.current));
    const outcome = await controller.run(rollout);
    const { events } = controller;
    const kept = outcome === undefined ? this.random.whole(journal.durableCount, events.length) : events.length;
    const certain = events.slice(0, kept);
    this.journals.keep(id, certain);
    this.hasRun = true;
    if (outcome === undefined) {
      const kind = controller.wasKilled ? "killed" : "stuck";
      return { kind, rollout, events: certain, lost: events.slice(kept), resumed: this.journals.resumed() };
    }
    const planned = events.findIndex(({ type }) => type === "rollout.planned");
    const run = { outcome, events: events.slice(planned + 1), durable: journal.durableCount, doubled: world.doubled };
    for (const witness of witnesses) witness.end?.(run);
    return { kind: "ended", outcome, rollout, events, ...(controller.isToBeReverted && { toRevert: controller }) };
  }

  private floorsAtFirst(trial: Trial): readonly JudgedFloor[] | undefined {
    const { id, began_as } = trial.rollout;
    const first = began_as?.id ?? id;
    if (!this.firstFloors.has(first))
      this.firstFloors.set(first, hasUpdates(trial.rollout) ? floorsOf(trial) : undefined);
    return this.firstFloors.get(first);
  }

  /** The plan as the command narrows it: to what the first rollout was about, then further. */
  private planOf(chain: ResumedRollout | undefined, limit: readonly HostName[], reverts: boolean): Plan {
    const { plan } = this.made;
    const asAtFirst = chain ? this.narrowed(plan, (chain.rollout.began_as ?? chain.rollout).selection) : plan;
    const hosts = reverts ? chain && hostsToRevert(chain) : chain?.rollout.reverts && new Set(chain.planned.keys());
    const asBefore = hosts ? onlyOn(asAtFirst, hosts) : asAtFirst;
    const differs = reverts ? changesForRevert : changesSince;
    for (const change of chain ? differs(chain.rollout, asBefore) : [])
      this.fail(`the same plan passes for another: ${change}`);
    const those = limit.filter((host) => asBefore.hosts.some(({ name }) => name === host));
    return those.length === 0 ? asBefore : this.narrowed(asBefore, { limit: those, exclude: [], programs: [] });
  }

  private narrowed(plan: Plan, selection: Selection): Plan {
    const narrowed = narrow(plan, selection);
    if (narrowed.ok) return narrowed.plan;
    this.fail(`${foldNames(selection.limit).join(", ")} cannot be selected: ${narrowed.problems.join("; ")}`);
    return plan;
  }
}

function hasUpdates(rollout: Rollout): boolean {
  return [...worksOf(rollout)].some(({ batches }) => batches.some(({ is_update }) => is_update));
}
