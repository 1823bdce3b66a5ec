import { hostname, userInfo } from "node:os";
import type { HostName, RolloutId } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type { FleetHost, HostAccess, HostConnection, LockOwner, World } from "../executor/ports.ts";
import { createChecker } from "../hosts/checker.ts";
import { createHookRunner } from "../hosts/hook-runner.ts";
import { openLocal } from "../hosts/local.ts";
import { openHost } from "../hosts/open.ts";
import type { Plan } from "../planner/plan.ts";
import { createHostLock } from "../state/host-lock.ts";
import { createLockReader, lockPlaceOf } from "../state/lock-reader.ts";
import { supervisorctlChanges } from "../supervisor/changes.ts";
import { pidArgv, sessionArgv } from "../supervisor/commands.ts";
import { supervisorctlReader } from "../supervisor/supervisorctl.ts";
import { terminalOperator } from "./operator.ts";

/** The fleet for a dry run: no port that could change anything is made, let alone reached. */
export function openForReading(plan: Plan): ReadonlyMap<HostName, FleetHost> {
  return openEach(plan, (target, access, timeoutMs) => reading(plan, target, access, timeoutMs));
}

/** The fleet for a rollout, and what else a rollout acts upon. */
export function openForRollout(plan: Plan, owner: LockOwner): World {
  const controller = openLocal("this machine" as HostName);
  const targets = new Map<string, HostTarget>(plan.hosts.map((target) => [target.name, target]));
  const places = { controller, targetOf: (host: string) => targets.get(host) };
  const fleet = openEach(plan, (target, access, timeoutMs) => {
    const lock = createHostLock(access, {
      ...lockPlaceOf(plan.lock.directory, target, supervisorPid(access, target, timeoutMs)),
      owner,
      session: sessionArgv(target.supervisor),
    });
    return {
      ...reading(plan, target, access, timeoutMs),
      lock,
      changes: supervisorctlChanges(lock, target.supervisor),
      checker: createChecker(target, { host: access, controller }, process.env),
      // What a hook does on a host has ended as well before another operator gets the lock.
      hooks: createHookRunner({ ...places, host: lock }, process.env),
    };
  });
  return { fleet, hooks: createHookRunner(places, process.env), operator: terminalOperator };
}

/** Who we are, for those who find the fleet locked. */
export function ownerOf(rollout: RolloutId, reason: string | undefined): LockOwner {
  const who = `${accountName()}@${hostname()}`;
  return { rollout, who, since: new Date().toISOString(), ...(reason !== undefined && { reason }) };
}

export async function closeFleet(fleet: ReadonlyMap<HostName, { readonly connection: HostConnection }>): Promise<void> {
  await Promise.all([...fleet.values()].map(({ connection }) => connection.close()));
}

export async function closeWorld({ fleet }: World): Promise<void> {
  await Promise.all([...fleet.values()].map(({ lock }) => lock.release()));
  await closeFleet(fleet);
}

function reading(plan: Plan, target: HostTarget, access: HostAccess, timeoutMs: number): FleetHost {
  return {
    connection: access,
    supervisor: supervisorctlReader(access, target.supervisor, timeoutMs),
    locks: createLockReader(
      access,
      lockPlaceOf(plan.lock.directory, target, supervisorPid(access, target, timeoutMs)),
      timeoutMs,
    ),
  };
}

/** Of supervisord itself; a lock gets its name from it. */
function supervisorPid(access: HostAccess, target: HostTarget, timeoutMs: number) {
  return async (): Promise<number | undefined> => {
    const outcome = await access.run(pidArgv(target.supervisor), { timeoutMs });
    const [, pid] = (outcome.kind === "exited" && /^(\d+)\s*$/m.exec(outcome.stdout)) || [];
    return pid === undefined ? undefined : Number(pid);
  };
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that has no name.
    return process.env["USER"] ?? "somebody";
  }
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
