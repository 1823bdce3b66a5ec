import { formatDuration } from "./duration.ts";
import { groupedBy } from "./folding.ts";
import type { ProgramName } from "./ids.ts";
import type { HostWork, PlannedInstance } from "./rollout.ts";

/** An action for instances that have the same settings, and the programs that get it. */
export interface ActionStep {
  /** `restart, healthy after 5s RUNNING on one pid`. */
  readonly text: string;
  readonly programs: readonly ProgramName[];
}

/** All actions in works with the same settings, in the order in which it first comes; one step as a rule. */
export function actionSteps(parts: readonly HostWork[]): readonly ActionStep[] {
  const [first] = parts;
  if (!first) return [];
  const batches = parts.flatMap((part) => part.batches);
  const all = batches.flatMap(({ instances }) => instances);
  const isOnlyStarts = all.every(({ action }) => action === "start");
  return groupedBy(all, (planned) => kindOf(planned, isOnlyStarts)).flatMap((alike) => {
    const [one] = alike;
    if (!one) return [];
    return [
      { text: stepText(kindOf(one, isOnlyStarts), first), programs: [...new Set(alike.map(({ program }) => program))] },
    ];
  });
}

/** A start among restarts is a restart: it is marked where its instance is named. */
function kindOf({ action, signal }: PlannedInstance, isOnlyStarts: boolean): string {
  if (signal !== undefined) return `signal ${signal}`;
  if (action === "remove") return "update";
  if (action === "start" && isOnlyStarts) return "start";
  return action === "start" || action === "gate" ? "restart" : action;
}

function stepText(kind: string, { timings: { min_healthy_time_ms } }: HostWork): string {
  const healthy = `healthy after ${formatDuration(min_healthy_time_ms)} RUNNING`;
  if (kind === "stop") return "stop, done once it is STOPPED";
  if (kind === "update") return `update of its whole group, ${healthy} on one pid`;
  return kind.startsWith("signal ") ? `${kind}, ${healthy} on the same pid` : `${kind}, ${healthy} on one pid`;
}
