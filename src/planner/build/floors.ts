import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import { keyOf, programOf, type ProgramName } from "../../domain/ids.ts";
import { formatQuantity, keep, type Quantity } from "../../domain/quantity.ts";
import type { Floor, Wave } from "../../domain/rollout.ts";
import type { Plan } from "../plan/plan.ts";
import { capacityForecasts, completingIn, plannedIn } from "./capacity.ts";
import type { ResumedRollout } from "./resumed.ts";

/** What floors are counted from. */
export interface FloorSources {
  readonly plan: Plan;
  readonly fleet: FleetReport;
  /** Those that the rollout restarts, or skips by name. */
  readonly programs: ReadonlySet<ProgramName>;
  readonly resumed: ResumedRollout | undefined;
}

/** The floor of each selected program, over all the plan's hosts, less the instances that are left STOPPED or EXITED. */
export function floorsOf({ plan, fleet, programs, resumed }: FloorSources, waves: readonly Wave[]): Floor[] {
  const { min_healthy } = plan.limits;
  const totals = new Map<ProgramName, number>();
  const planned = plannedIn(waves);
  const completing = completingIn(waves);
  for (const [host, report] of fleet) {
    if (!("instances" in report)) continue;
    for (const { instance, state } of report.instances) {
      const program = programOf(instance);
      const isStopped = state === "STOPPED" && plan.stopped === "skip";
      const isDone = report.at_rest?.has(instance) === true;
      // The rollout that is resumed left it so, and no operator did on purpose.
      const wasRestarted = resumed?.outcomes.get(host)?.has(instance) === true;
      const isOurs = wasRestarted || planned.has(keyOf({ host, instance }));
      // Also on hosts that are not selected: an instance that is skipped for another reason runs, and counts.
      if (!programs.has(program) || ((isStopped || isDone) && !isOurs)) continue;
      if (completing.has(keyOf({ host, instance })) || resumed?.planned.get(host)?.get(instance)?.may_complete)
        continue;
      totals.set(program, (totals.get(program) ?? 0) + 1);
    }
  }
  const floors = [...totals].map(([program, total]) => ({ program, total, min_healthy: keep(min_healthy, total) }));
  return floors.filter((floor) => floor.min_healthy > 0);
}

/** Refuses floors that no restart could keep: a restart would wait in vain, then halt a rollout that is half done. */
export function refuseFloors(
  floors: readonly Floor[],
  { plan, fleet }: Pick<FloorSources, "plan" | "fleet">,
  waves: readonly Wave[],
): Refusal[] {
  const forecasts = capacityForecasts({ waves, floors }, fleet);
  const restarted = new Set(forecasts.filter(({ mostDown }) => mostDown > 0).map(({ program }) => program));
  return floors.flatMap((floor): Refusal[] => {
    const { program, total, min_healthy } = floor;
    if (min_healthy > total) {
      const reason = `min_healthy asks for ${min_healthy} healthy instances of ${program}, but there are only ${total}`;
      return [{ code: "floor_impossible", reason }];
    }
    if (min_healthy < total || !restarted.has(program)) return [];
    return [{ code: "floor_impossible", reason: noneToSpare(floor, plan.limits.min_healthy) }];
  });
}

/** Why a program can never be restarted, and the highest floor under which it can. */
function noneToSpare({ program, total, min_healthy }: Floor, written: Quantity): string {
  const most = total - 1;
  const asPercent = "percent" in written && most > 0 ? ` (${Math.floor((most * 100) / total)}%)` : "";
  const remedy =
    most === 0
      ? `set limits.min_healthy: 0, or leave ${program} out of this rollout`
      : `at most ${most}${asPercent} would allow one restart at a time`;
  return (
    `min_healthy: ${formatQuantity(written)} keeps ${min_healthy} of ${total} ${program} healthy, ` +
    `so none of them could ever be restarted: ${remedy}`
  );
}
