import { hostname, userInfo } from "node:os";
import pLimit from "p-limit";
import type { HostName, RolloutId } from "../../domain/ids.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { FleetHost, HostAccess, LockOwner, World } from "../../executor/ports.ts";
import { createChecker, createCheckRoutes, type CheckWays } from "../../hosts/probes/checker.ts";
import { createHookRunner } from "../../hosts/probes/hook-runner.ts";
import { openLocal } from "../../hosts/local.ts";
import { openHost } from "../../hosts/open.ts";
import { createProcessTable } from "../../hosts/probes/process-table.ts";
import { settingsOn, type Plan } from "../../planner/plan/plan.ts";
import { createHostLock } from "../../state/host-lock.ts";
import { createLockReader, lockPlaceOf } from "../../state/lock-reader.ts";
import { supervisorctlChanges } from "../../supervisor/changes.ts";
import { sessionArgv } from "../../supervisor/commands.ts";
import { supervisorReader } from "../../supervisor/reader.ts";
import type { Credentials } from "../../supervisor/xml-rpc-client.ts";
import { terminalOperator } from "../terminal/operator.ts";
import type { Connections } from "./connections.ts";

/**
 * Sessions for changes that are opened at once, ahead of the first change there: each is the start of a Python, and
 * the host whose turn it is must not have to share a processor with all of them.
 */
const SESSIONS_AT_ONCE = 2;

/** The fleet for a dry run: no port that could change anything is made, let alone reached. */
export function openForReading(plan: Plan, connections: Connections): ReadonlyMap<HostName, FleetHost> {
  // It only asks, and each of its checks is bounded: there is nothing to end.
  const controller = openLocal("this machine" as HostName);
  return openEach(plan, connections, (target, access, timeoutMs) =>
    openReading(plan, target, { host: access, controller }, timeoutMs),
  );
}

/** What a rollout acts upon, until it is closed, which releases the locks. */
export interface OpenedWorld extends World {
  close(): Promise<void>;
}

/** The fleet for a rollout, and everything else that it acts upon. */
export function openForRollout(plan: Plan, connections: Connections, owner: LockOwner): OpenedWorld {
  const controller = openLocal("this machine" as HostName);
  const targets = new Map<string, HostTarget>(plan.hosts.map((target) => [target.name, target]));
  const places = { controller, targetOf: (host: string) => targets.get(host) };
  const inTurn = pLimit(SESSIONS_AT_ONCE);
  const fleet = openEach(plan, connections, (target, access, timeoutMs) => {
    const reading = openReading(plan, target, { host: access, controller }, timeoutMs);
    const lock = createHostLock(access, {
      ...lockPlaceOf(plan.lock.directory, target, reading.supervisor),
      owner: { ...owner, host: target.name },
      session: sessionArgv(target.supervisor),
      inTurn,
    });
    return {
      ...reading,
      lock,
      changes: supervisorctlChanges(lock, target.supervisor),
      // Under the lock: a hook on a host has ended as well before another operator gets the lock.
      hooks: createHookRunner({ ...places, host: lock }, process.env),
    };
  });
  const hooks = createHookRunner(places, process.env);
  return {
    fleet,
    hooks,
    operator: terminalOperator,
    async close() {
      await Promise.all([...fleet.values()].map((host) => closeHost(host, host.lock.release())));
      await controller.close();
    },
  };
}

/** Who holds the locks, for those who find the fleet locked. */
export function ownerOf(rollout: RolloutId, reason: string | undefined): LockOwner {
  return {
    rollout,
    who: accountAndMachine(),
    since: new Date().toISOString(),
    ...(reason !== undefined && { reason }),
  };
}

/** `deploy@ci-1`: who runs this process, in locks and in journals. */
export function accountAndMachine(): string {
  return `${accountName()}@${hostname()}`;
}

export async function closeFleet(fleet: ReadonlyMap<HostName, FleetHost>): Promise<void> {
  await Promise.all([...fleet.values()].map((host) => closeHost(host)));
}

/** @param alsoEnding what else ends over its connection */
async function closeHost({ connection, supervisor }: FleetHost, alsoEnding?: Promise<void>): Promise<void> {
  await Promise.all([supervisor.close(), alsoEnding]);
  await connection.close();
}

/** Of Supervisor's HTTP server, for looks by XML-RPC: from the environment, since a plan holds no secret. */
function credentials(): Credentials | undefined {
  const { ORCHESTRATE_SUPERVISOR_USERNAME: username, ORCHESTRATE_SUPERVISOR_PASSWORD: password } = process.env;
  return username === undefined || password === undefined ? undefined : { username, password };
}

function openReading(plan: Plan, target: HostTarget, ways: CheckWays, timeoutMs: number): FleetHost {
  const { host: access } = ways;
  const supervisor = supervisorReader(access, target.supervisor, timeoutMs, credentials());
  const place = lockPlaceOf(plan.lock.directory, target, supervisor);
  return {
    connection: access,
    supervisor,
    locks: createLockReader(access, place, timeoutMs),
    checkRoutes: createCheckRoutes(target, access, process.env),
    checker: createChecker(target, ways, process.env),
    processes: createProcessTable(access, timeoutMs),
  };
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that has no name.
    return process.env["USER"] ?? "unknown";
  }
}

function openEach<T>(
  plan: Plan,
  { options, bastions }: Connections,
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
    for (const host of hosts)
      for (const { timings } of settingsOn(host))
        timeouts.set(host.host, Math.max(timeouts.get(host.host) ?? 0, timings.command_timeout_ms));
  return timeouts;
}
