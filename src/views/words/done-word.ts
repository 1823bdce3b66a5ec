import { groupedBy } from "../../domain/folding.ts";
import { worksOf, type PlannedInstance, type Rollout } from "../../domain/rollout.ts";

/** Rollouts are immutable, and a screen asks at each frame. */
const known = new WeakMap<object, string>();

/**
 * What an instance is once its part is done, where a rollout does one thing to all of them: `stopped`, `signalled HUP`,
 * `updated`; otherwise `healthy`.
 */
export function doneWord(rollout: Pick<Rollout, "waves"> | undefined): string {
  if (!rollout) return "healthy";
  const word = known.get(rollout) ?? wordOf(rollout);
  known.set(rollout, word);
  return word;
}

function wordOf(rollout: Pick<Rollout, "waves">): string {
  const instances = [...worksOf(rollout)].flatMap(({ batches }) => batches.flatMap((batch) => batch.instances));
  const kinds = groupedBy(instances, wordOfInstance);
  const [first] = instances;
  return kinds.length === 1 && first ? wordOfInstance(first) : "healthy";
}

function wordOfInstance({ action, signal }: PlannedInstance): string {
  // One that is only checked may not have been signalled.
  if (action === "signal" && signal !== undefined) return `signalled ${signal}`;
  if (action === "update" || action === "remove") return "updated";
  return action === "stop" ? "stopped" : "healthy";
}
