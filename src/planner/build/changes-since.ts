import type { Rollout } from "../../domain/rollout.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { Plan } from "../plan/plan.ts";

/** How a plan differs from the rollout that it resumes, where it must not; one sentence for each difference. */
export function changesSince(resumed: Rollout, plan: Plan): string[] {
  const known = new Map(resumed.hosts.map((target) => [target.name, target]));
  const selected = new Set(plan.waves.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  const added = [...selected].filter((name) => !known.has(name));
  return [
    ...(added.length > 0 ? [`hosts were added: ${foldNames(added).join(", ")}`] : []),
    ...plan.hosts.flatMap((target) => movesOf(target, known.get(target.name))),
    ...changesOfWaves(resumed, plan),
  ];
}

/** Changes after which it is another supervisord. */
function movesOf(now: HostTarget, then: HostTarget | undefined): string[] {
  if (!then) return [];
  const words = [
    ["address", then.address, now.address],
    ["connection", then.connection, now.connection],
    ["supervisor.config", then.supervisor.config, now.supervisor.config],
    ["supervisor.server_url", then.supervisor.server_url, now.supervisor.server_url],
  ] as const;
  return words
    .filter(([, before, after]) => before !== after)
    .map(
      ([what, before, after]) => `the ${what} of ${now.name} was ${before ?? "not set"} and is ${after ?? "not set"}`,
    );
}

/** A wave that had nothing to do is not in the rollout; changes of it do not matter. */
function changesOfWaves(resumed: Rollout, plan: Plan): string[] {
  const pastPrograms = new Map(resumed.waves.map(({ group, programs }) => [group, programs]));
  const common = plan.waves.filter(({ group }) => pastPrograms.has(group));
  const order = common.map(({ group }) => group).join(", ");
  const pastOrder = resumed.waves
    .map(({ group }) => group)
    .filter((group) => common.some((wave) => wave.group === group));
  return [
    ...common
      .filter(({ group, programs }) => programs.join() !== pastPrograms.get(group)?.join())
      .map(
        ({ group, programs }) =>
          `the programs of ${group} were ${pastPrograms.get(group)?.join(", ")} and are ${programs.join(", ")}`,
      ),
    ...(order === pastOrder.join(", ") ? [] : [`the order of the waves was ${pastOrder.join(", ")} and is ${order}`]),
  ];
}
