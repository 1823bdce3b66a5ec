import { actionText, type PlanAction } from "../../domain/action.ts";
import { worksOf, type Rollout } from "../../domain/rollout.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { HostTarget } from "../../domain/target.ts";
import { settingsOn, type Plan, type PlanWave } from "../plan/plan.ts";

/** How a plan differs from the rollout that it resumes, where it must not; one sentence for each difference. */
export function changesSince(resumed: Rollout, plan: Plan): string[] {
  const known = new Set(resumed.hosts.map(({ name }) => name));
  const selected = new Set(plan.waves.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  const added = [...selected].filter((name) => !known.has(name));
  return [
    ...(added.length > 0 ? [`hosts were added: ${foldNames(added).join(", ")}`] : []),
    ...changesForRevert(resumed, plan),
    ...changesOfOrder(resumed, plan),
    ...(resumed.reverts === undefined ? plan.waves.flatMap((wave) => changedAction(resumed, wave)) : []),
  ];
}

/** Likewise where it must not differ from the rollout that it reverts. */
export function changesForRevert(reverted: Rollout, plan: Plan): string[] {
  const known = new Map(reverted.hosts.map((target) => [target.name, target]));
  return [
    ...plan.hosts.flatMap((target) => movesOf(target, known.get(target.name))),
    ...changesOfPrograms(reverted, plan),
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
function changesOfPrograms({ waves }: Rollout, plan: Plan): string[] {
  const pastPrograms = new Map(waves.map(({ group, programs }) => [group, programs]));
  return plan.waves
    .filter(({ group, programs }) => pastPrograms.has(group) && programs.join() !== pastPrograms.get(group)?.join())
    .map(
      ({ group, programs }) =>
        `the programs of ${group} were ${pastPrograms.get(group)?.join(", ")} and are ${programs.join(", ")}`,
    );
}

/** Likewise. */
function changesOfOrder({ waves, reverts }: Rollout, plan: Plan): string[] {
  const past = waves.map(({ group }) => group);
  const common = plan.waves.map(({ group }) => group).filter((group) => past.includes(group));
  // A revert has them the other way round.
  const wanted = reverts === undefined ? common : common.toReversed();
  const order = wanted.join(", ");
  const pastOrder = past.filter((group) => common.includes(group)).join(", ");
  return order === pastOrder ? [] : [`the order of the waves was ${pastOrder} and is ${order}`];
}

/** A resume must not stop what the rollout was to restart, or the other way round. */
function changedAction(resumed: Rollout, wave: PlanWave): string[] {
  const kinds = new Set(wave.hosts.flatMap((host) => settingsOn(host).map(({ action }) => kindOf(action))));
  const works = [...worksOf({ waves: resumed.waves.filter(({ group }) => group === wave.group) })];
  const past = works
    .flatMap(({ batches }) => batches.flatMap(({ instances }) => instances))
    .map(({ action, signal }) =>
      signal === undefined ? kindOf(action === "stop" ? "stop" : "restart") : kindOf({ signal }),
    );
  const gone = [...new Set(past)].find((kind) => !kinds.has(kind));
  return gone === undefined ? [] : [`the action of ${wave.group} was ${gone} and is ${[...kinds].join(", ")}`];
}

/** Restarts, starts and updates bring up a process: a rollout of one may have another of them. */
function kindOf(action: PlanAction): string {
  return action === "start" || action === "update" ? "restart" : actionText(action);
}
