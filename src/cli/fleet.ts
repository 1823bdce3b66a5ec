import type { HostName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type { FleetHost, HostAccess, SupervisorReader, World } from "../executor/ports.ts";
import { createChecker } from "../hosts/checker.ts";
import { createHookRunner } from "../hosts/hook-runner.ts";
import { openLocal } from "../hosts/local.ts";
import { openHost } from "../hosts/open.ts";
import type { Plan } from "../planner/plan.ts";
import { supervisorReader } from "../supervisor/reader.ts";
import { supervisorctl } from "../supervisor/supervisorctl.ts";
import type { Credentials } from "../supervisor/xml-rpc-client.ts";
import { terminalOperator } from "./operator.ts";

/** The fleet for a dry run: no port that could change anything is made, let alone reached. */
export function openForReading(plan: Plan): ReadonlyMap<HostName, FleetHost<SupervisorReader>> {
  return openEach(plan, (target, access, timeoutMs) => ({
    connection: access,
    supervisor: supervisorReader(access, target.supervisor, timeoutMs, credentials()),
  }));
}

/** The fleet for a rollout, and what else a rollout acts upon. */
export function openForRollout(plan: Plan): World {
  const controller = openLocal("this machine" as HostName);
  const targets = new Map<string, HostTarget>(plan.hosts.map((target) => [target.name, target]));
  const places = { controller, targetOf: (host: string) => targets.get(host) };
  const fleet = openEach(plan, (target, access, timeoutMs) => ({
    connection: access,
    supervisor: supervisorctl(
      access,
      target.supervisor,
      supervisorReader(access, target.supervisor, timeoutMs, credentials()),
    ),
    checker: createChecker(target, { host: access, controller }, process.env),
    hooks: createHookRunner({ ...places, host: access }, process.env),
  }));
  return { fleet, hooks: createHookRunner(places, process.env), operator: terminalOperator };
}

export async function closeFleet(fleet: ReadonlyMap<HostName, FleetHost<SupervisorReader>>): Promise<void> {
  const closing = [...fleet.values()].map(async ({ connection, supervisor }) => {
    await supervisor.close();
    await connection.close();
  });
  await Promise.all(closing);
}

/** Of Supervisor's HTTP server, for looks by XML-RPC: from the environment, since a plan holds no secret. */
function credentials(): Credentials | undefined {
  const { ORCHESTRATE_SUPERVISOR_USERNAME: username, ORCHESTRATE_SUPERVISOR_PASSWORD: password } = process.env;
  return username === undefined || password === undefined ? undefined : { username, password };
}

function openEach<T>(plan: Plan, make: (target: HostTarget, access: HostAccess, timeoutMs: number) => T) {
  const timeouts = commandTimeouts(plan);
  // Hosts that are not selected are looked at where there is a floor.
  const longestMs = Math.max(...timeouts.values());
  return new Map(
    plan.hosts.map((target) => [target.name, make(target, openHost(target), timeouts.get(target.name) ?? longestMs)]),
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
