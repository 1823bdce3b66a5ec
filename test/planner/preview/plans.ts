import type { Refusal } from "../../../src/domain/failures.ts";
import type { FleetReport, HostReport, InstanceConfig } from "../../../src/domain/fleet.ts";
import type { HostName, InstanceName, RolloutId } from "../../../src/domain/ids.ts";
import type { ProcessSnapshot } from "../../../src/domain/process-state.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import type { InstanceSelection } from "../../../src/planner/build/picking.ts";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import { parsePlan, type LoadedPlan } from "../../../src/planner/plan/load.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import type { Selection } from "../../../src/domain/rollout.ts";
import { narrow } from "../../../src/planner/plan/selection.ts";

/** A plan from its text, without `version`. */
export function planOf(text: string): Plan {
  const loaded: LoadedPlan = parsePlan(`version: 1\n${text}`, "/plans/prod.yaml", {});
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(formatDiagnostic).join("\n"));
  return loaded.plan;
}

const NO_WISHES: Selection = { limit: [], exclude: [], programs: [] };

/** What the command line narrows a plan to. */
export function narrowed(plan: Plan, wishes: Partial<Selection>): Plan {
  const result = narrow(plan, { ...NO_WISHES, ...wishes });
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.plan;
}

/** The problems of a selection. */
export function problemsOf(plan: Plan, wishes: Partial<Selection>): readonly string[] {
  const result = narrow(plan, { ...NO_WISHES, ...wishes });
  return result.ok ? [] : result.problems;
}

/** What a host reports: its instances as RUNNING for an hour, unless something else is said of them. */
export type Hosts = Readonly<Record<string, readonly (string | GivenInstance)[] | Refusal>>;

/** @property config how Supervisor is configured to run it, where that was asked for */
type GivenInstance = Partial<ProcessSnapshot> & { readonly atRest?: true; readonly config?: InstanceConfig };

export function fleetOf(hosts: Hosts): FleetReport {
  return new Map(
    Object.entries(hosts).map(([name, given]): [HostName, HostReport] => {
      const host = name as HostName;
      if ("code" in given) return [host, { host, refusal: { host, ...given } }];
      const instances = given.map(snapshotOf);
      const about = given.map((each, index) => ({ ...instances[index]!, ...(typeof each === "string" ? {} : each) }));
      const configs = about.flatMap(({ instance, config }) => (config ? [[instance, config] as const] : []));
      return [
        host,
        {
          host,
          instances,
          at_rest: new Set(about.flatMap(({ instance, atRest }) => (atRest ? [instance] : []))),
          ...(configs.length > 0 && { config: { instances: new Map(configs), files: [] } }),
        },
      ];
    }),
  );
}

let pid = 1000;

function snapshotOf(given: string | GivenInstance): ProcessSnapshot {
  if (typeof given === "object") return givenSnapshot(given);
  return { instance: given as InstanceName, state: "RUNNING", pid: ++pid, uptime_s: 3600 };
}

function givenSnapshot({ atRest, config, ...given }: GivenInstance): ProcessSnapshot {
  if (given.state !== undefined && given.state !== "RUNNING")
    return { instance: "?" as InstanceName, state: given.state, ...given };
  return { instance: "?" as InstanceName, state: "RUNNING", pid: ++pid, uptime_s: 3600, ...given };
}

/** An instance that is not RUNNING for an hour. */
export function instance(name: string, rest: GivenInstance): GivenInstance {
  return { instance: name as InstanceName, ...rest };
}

/** The rollout of a plan over a fleet. */
export function rolloutOf(plan: Plan, hosts: Hosts, selection: InstanceSelection = {}): Rollout {
  const built = buildRollout(plan, fleetOf(hosts), { id: "20261123T000000Z-0000" as RolloutId }, selection);
  if (built.kind === "refused") throw new Error(built.refusals.map(({ reason }) => reason).join("\n"));
  return built.rollout;
}

/** The preview of a plan over a fleet. */
export function preview(plan: Plan, hosts: Hosts, selection: InstanceSelection = {}): string {
  return previewText(rolloutOf(plan, hosts, selection), fleetOf(hosts));
}

/** `host instance` of all that a rollout restarts, in order. */
export function listed({ waves }: Rollout): string[] {
  return waves.flatMap((wave) =>
    wave.batches.flatMap((batch) =>
      batch.hosts.flatMap(({ host, batches }) =>
        batches.flatMap((one) => one.instances.map(({ instance: name }) => `${host} ${name}`)),
      ),
    ),
  );
}
