import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import { groupedBy } from "../../domain/folding.ts";
import { keyOf, programOf, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import { formatQuantity, keep, type Quantity } from "../../domain/quantity.ts";
import { countsFor, worksOf, type Floor, type Rollout, type Wave } from "../../domain/rollout.ts";
import { compileSelection, selectsGroup } from "../../domain/selector.ts";
import type { Plan } from "../plan/plan.ts";
import { completingIn, plannedIn } from "./capacity.ts";
import { removedIn, tightestStep, type TightestStep } from "./floor-room.ts";
import { compileStarts } from "./program-rules.ts";
import type { ResumedRollout } from "./resumed.ts";

/** A floor, and the words of the plan that ask for it. */
export interface WrittenFloor {
  readonly floor: Floor;
  readonly written: Quantity;
}

/** What floors are counted from. */
export interface FloorSources {
  readonly plan: Plan;
  readonly fleet: FleetReport;
  /** Those that the rollout restarts, or skips by name. */
  readonly programs: ReadonlySet<ProgramName>;
  readonly resumed: ResumedRollout | undefined;
}

/**
 * The floor of each selected program and of each pattern that has one, over all the plan's hosts, less the instances
 * that are left STOPPED or EXITED.
 */
export function floorsOf(sources: FloorSources, waves: readonly Wave[]): WrittenFloor[] {
  const counted = [...countedIn(sources, waves)];
  const totals = new Map<ProgramName, number>();
  // Of a program that an update takes away as a whole nothing is left to count: its floor is asked for all the same.
  const removed = [...removedIn(waves)].map(({ instance }) => instance);
  for (const instance of removed) totals.set(programOf(instance), 0);
  for (const instance of counted) {
    const program = programOf(instance);
    if (sources.programs.has(program)) totals.set(program, (totals.get(program) ?? 0) + 1);
  }
  const ofPrograms = [...totals].map(([program, total]) =>
    highest({ program, total }, writtenFor(program, sources.plan)),
  );
  const ofPatterns = patternFloors(sources, counted, removed);
  return [...ofPrograms, ...ofPatterns]
    .map((one) => asAtFirst(one, sources.resumed))
    .filter(({ floor }) => floor.min_healthy > 0);
}

/** A chain keeps the floors of its first rollout: updates that have added instances raise none of them half way. */
function asAtFirst({ floor, written }: WrittenFloor, resumed: ResumedRollout | undefined): WrittenFloor {
  const { program, selects = [] } = floor;
  const floors = resumed && hasUpdates(resumed.rollout) ? resumed.rollout.limits.floors : [];
  const first = floors.find((one) => one.program === program && (one.selects ?? []).join(" ") === selects.join(" "));
  const min_healthy = Math.min(floor.min_healthy, first?.min_healthy ?? Infinity);
  return { floor: { ...floor, min_healthy }, written };
}

function hasUpdates(rollout: Rollout): boolean {
  return [...worksOf(rollout)].some(({ batches }) => batches.some(({ is_update }) => is_update));
}

/** Of several quantities that waves ask for, the highest holds. */
function highest(of: Omit<Floor, "min_healthy">, written: readonly Quantity[]): WrittenFloor {
  const [first, ...others] = written.map((quantity) => ({ written: quantity, min_healthy: keep(quantity, of.total) }));
  if (!first) return { floor: { ...of, min_healthy: 0 }, written: { count: 0 } };
  const most = others.reduce((best, one) => (one.min_healthy > best.min_healthy ? one : best), first);
  return { floor: { ...of, min_healthy: most.min_healthy }, written: most.written };
}

/** The instances that count for floors, each as often as hosts have it. */
function* countedIn({ plan, fleet, programs, resumed }: FloorSources, waves: readonly Wave[]): Generator<InstanceName> {
  const whole = plan.whole ?? plan.waves;
  const patterns = whole.flatMap(({ floors = [] }) => floors.map(({ selects }) => compileSelection(selects)));
  const starts = compileStarts(whole);
  const planned = plannedIn(waves);
  const completing = completingIn(waves);
  const removed = new Set([...removedIn(waves)].map(keyOf));
  for (const [host, report] of fleet) {
    if (!("instances" in report)) continue;
    for (const { instance, state } of report.instances) {
      if (!programs.has(programOf(instance)) && !patterns.some((counts) => counts(instance))) continue;
      const isDone = report.at_rest?.has(instance) === true;
      // The rollout that is resumed left it so, and no operator did on purpose.
      const wasRestarted = resumed?.outcomes.get(host)?.has(instance) === true;
      const isOurs = wasRestarted || planned.has(keyOf({ host, instance }));
      // Also on hosts that are not selected: an instance that is skipped for another reason runs, and counts.
      const isStopped = state === "STOPPED" && !starts(host, instance);
      if ((isStopped || isDone) && !isOurs) continue;
      // Afterwards it is gone, and no floor could count on it.
      if (removed.has(keyOf({ host, instance }))) continue;
      if (completing.has(keyOf({ host, instance })) || resumed?.planned.get(host)?.get(instance)?.may_complete)
        continue;
      yield instance;
    }
  }
}

/** What waves ask for a program: a floor that the plan gives that very program comes before the plan's own. */
function writtenFor(program: ProgramName, { waves, whole = waves, limits }: Plan): Quantity[] {
  const written = whole
    .filter(({ programs }) => selectsGroup(programs, program))
    .map(({ floors = [] }) => floors.find(({ group }) => group === program)?.min_healthy ?? limits.min_healthy);
  // The command line may name a program that the plan does not.
  return written.length > 0 ? written : [limits.min_healthy];
}

/** The floors of patterns of which the rollout restarts something, or skips it by name. */
function patternFloors(
  { plan: { waves, whole = waves }, programs }: FloorSources,
  counted: readonly InstanceName[],
  removed: readonly InstanceName[],
): WrittenFloor[] {
  const patterns = whole.flatMap(({ floors = [] }) => floors.filter(({ group }) => group === undefined));
  return groupedBy(patterns, ({ selects }) => selects.join(" ")).flatMap((alike) => {
    const [first] = alike;
    if (!first) return [];
    const { selects } = first;
    const selected = compileSelection(selects);
    const instances = counted.filter(selected);
    if (![...instances, ...removed.filter(selected)].some((instance) => programs.has(programOf(instance)))) return [];
    const of = { program: selects[0] as ProgramName, selects, total: instances.length };
    return [
      highest(
        of,
        alike.map(({ min_healthy }) => min_healthy),
      ),
    ];
  });
}

/** Refuses floors that cannot be kept: the rollout would wait in vain, then halt half done. */
export function refuseFloors(wanted: readonly WrittenFloor[], waves: readonly Wave[]): Refusal[] {
  const removed = [...removedIn(waves)];
  return wanted.flatMap(({ floor, written }): Refusal[] => {
    const { program, total, min_healthy } = floor;
    if (min_healthy > total) {
      const reason = `min_healthy asks for ${min_healthy} healthy instances of ${program}, but there are only ${total}`;
      return [{ code: "floor_impossible", reason }];
    }
    const counts = countsFor(floor);
    const there = total + removed.filter(({ instance }) => counts(instance)).length;
    const tightest = tightestStep(waves, counts, there);
    if (!tightest || tightest.left >= min_healthy) return [];
    return [{ code: "floor_impossible", reason: noRoom(floor, written, tightest) }];
  });
}

/** Why something can never be done, and the highest floor under which it can. */
function noRoom({ program, total, min_healthy, selects }: Floor, written: Quantity, step: TightestStep): string {
  const most = Math.max(0, step.left);
  const asPercent = "percent" in written && most > 0 ? ` (${Math.floor((most * 100) / total)}%)` : "";
  const where = selects ? "limits.min_healthy of this program" : "limits.min_healthy";
  const { cannot, allows } = stepTexts(step, program);
  const remedy =
    most === 0
      ? `set ${where}: 0, or leave ${program} out of this rollout`
      : `at most ${most}${asPercent} would allow ${allows}`;
  const kept = `min_healthy: ${formatQuantity(written)} keeps ${min_healthy} of ${total} ${program} healthy`;
  return `${kept}, ${cannot}: ${remedy}`;
}

function stepTexts({ what, host, need }: TightestStep, program: string): { cannot: string; allows: string } {
  switch (what) {
    case "restart":
      return { cannot: "so none of them could ever be restarted", allows: "one restart at a time" };
    case "signal":
      return { cannot: "so none of them could ever be signalled", allows: "one at a time" };
    case "stop":
      return { cannot: "and the rollout stops more than that leaves", allows: "that" };
    case "update": {
      const cannot = `but an update takes down ${need} of ${program} together on ${host}`;
      return { cannot, allows: "that" };
    }
  }
}
