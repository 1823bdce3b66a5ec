import type { HostName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type { FleetHost, HostAccess, HostConnection, SupervisorReader, World } from "../executor/ports.ts";
import { createChecker } from "../hosts/checker.ts";
import { createHookRunner } from "../hosts/hook-runner.ts";
import { openLocal } from "../hosts/local.ts";
import { openHost } from "../hosts/open.ts";
import type { Plan } from "../planner/plan.ts";
import { supervisorctl, supervisorctlReader } from "../supervisor/supervisorctl.ts";
import { terminalOperator } from "./operator.ts";
import type { Ways } from "./ways.ts";

/** The fleet for a dry run: no port that could change anything is made, let alone reached. */
export function openForReading(plan: Plan, ways: Ways): ReadonlyMap<HostName, FleetHost<SupervisorReader>> {
  return openEach(plan, ways, (target, access, timeoutMs) => ({
    connection: access,
    supervisor: supervisorctlReader(access, target.supervisor, timeoutMs),
  }));
}

/** The fleet for a rollout, and what else a rollout acts upon. */
export function openForRollout(plan: Plan, ways: Ways): World {
  const controller = openLocal("this machine" as HostName);
  const targets = new Map<string, HostTarget>(plan.hosts.map((target) => [target.name, target]));
  const places = { controller, targetOf: (host: string) => targets.get(host) };
  const fleet = openEach(plan, ways, (target, access, timeoutMs) => ({
    connection: access,
    supervisor: supervisorctl(access, target.supervisor, timeoutMs),
    checker: createChecker(target, { host: access, controller }, process.env),
    hooks: createHookRunner({ ...places, host: access }, process.env),
  }));
  return { fleet, hooks: createHookRunner(places, process.env), operator: terminalOperator };
}

export async function closeFleet(fleet: ReadonlyMap<HostName, { readonly connection: HostConnection }>): Promise<void> {
  await Promise.all([...fleet.values()].map(({ connection }) => connection.close()));
}

function openEach<T>(
  plan: Plan,
  { options, bastions }: Ways,
  make: (target: HostTarget, access: HostAccess, timeoutMs: number) => T,
) {
  const timeouts = commandTimeouts(plan);
  // Hosts that are not selected are looked at where there is a floor.
  const longestMs = Math.max(...timeouts.values());
  return new Map(
    plan.hosts.map((target) => {
      const access = openHost(target, options, bastions);
      return [target.name, make(target, access, timeouts.get(target.name) ?? longestMs)];
    }),
  );
}

/** A host that comes in several waves gets the most patient one's. */
function commandTimeouts(plan: Plan): Map<HostName, number> {
  const timeouts = new Map<HostName, number>();
  for (const { hosts } of plan.waves)
    for (const { host, settings } of hosts)
      timeouts.set(host, Math.max(timeouts.get(host) ?? 0, settings.timings.command_timeout_ms));
  return timeouts;
}
