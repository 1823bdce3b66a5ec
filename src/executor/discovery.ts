import pLimit, { type LimitFunction } from "p-limit";
import type { Refusal } from "../domain/failures.ts";
import type { FleetReport, HostReport, RereadOutcome } from "../domain/fleet.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../domain/ids.ts";
import { codeOf, type UnseenLook } from "../domain/outcomes.ts";
import type { ProcessSnapshot, ProcessState } from "../domain/process-state.ts";
import type { FleetHost } from "./ports.ts";
import type { Recorder } from "./recorder.ts";
import { seeProcesses } from "./seen-processes.ts";

/** Connections that are being opened at once: as fast as all at once, without a burst at a bastion or an agent. */
const CONNECTING_AT_ONCE = 16;

/** A worker that exits by design is EXITED until supervisord gets to it, which is within a second. */
const AT_REST_MS = 2000;

/** What hosts are asked for, in addition to the states of their processes. */
export interface DiscoveryOptions {
  /** Aborted when the operator interrupts: connections that end because of that say nothing of their hosts. */
  readonly interrupted?: AbortSignal;
  /** How Supervisor is configured, as far as that is to be had; `where_down`: on hosts where a process is not up. */
  readonly withConfig?: boolean | "where_down";
  /** On which hosts to look for Supervisor's processes in the process table. */
  readonly processes?: (host: HostName) => boolean;
  /** On which hosts to read what supervisord's log says of the ends of processes; they are in these states. */
  readonly histories?: (host: HostName, snapshots: readonly ProcessSnapshot[]) => boolean;
  /** The hosts on which something may be changed: refused where supervisorctl itself does not work. */
  readonly changedOn?: ReadonlySet<HostName>;
  /** The hosts on which supervisord reads its configuration again: refused where it cannot. */
  readonly rereadOn?: ReadonlySet<HostName>;
  /** Which EXITED processes stay so. */
  readonly atRest?: {
    /** Whether that matters of a program. */
    readonly isAsked: (program: ProgramName) => boolean;
    readonly wait: (ms: number) => Promise<unknown>;
  };
}

/** Connects to all hosts and asks each what it runs. Changes nothing: it is given readers. */
export async function discover(
  fleet: ReadonlyMap<HostName, FleetHost>,
  recorder: Recorder,
  options: DiscoveryOptions = {},
): Promise<FleetReport> {
  const limit = pLimit(CONNECTING_AT_ONCE);
  const reports = [...fleet].map(async ([host, opened]): Promise<[HostName, HostReport]> => {
    const first = await limit(() => lookAt(host, opened, options));
    const report = await withThoseAtRest(first, opened, limit, options.atRest);
    if (options.interrupted?.aborted) return [host, report];
    if ("instances" in report) recorder.record({ type: "host.connected", host, instances: report.instances.length });
    else recorder.record({ type: "host.unreachable", host, code: report.refusal.code, reason: report.refusal.reason });
    return [host, report];
  });
  return new Map(await Promise.all(reports));
}

async function lookAt(
  host: HostName,
  { connection, supervisor, processes }: FleetHost,
  { withConfig, processes: areProcessesAsked, histories: areHistoriesAsked, changedOn, rereadOn }: DiscoveryOptions,
): Promise<HostReport> {
  const connected = await connection.connect();
  if (connected.kind === "refused") return { host, refusal: connected.refusal };
  const { warnings } = connected;
  const look = await supervisor.look();
  if (look.kind !== "seen") return { host, refusal: refusalOf(host, look) };
  const { snapshots, supervisorPid } = look;
  const names = snapshots.map(({ instance }) => instance);
  const isConfigAsked = withConfig === "where_down" ? snapshots.some(isDown) : withConfig;
  const [config, seen, histories, trouble] = await Promise.all([
    isConfigAsked ? supervisor.config(names) : undefined,
    areProcessesAsked?.(host) ? seeProcesses(processes, snapshots) : { instances: snapshots },
    areHistoriesAsked?.(host, snapshots) ? supervisor.histories(names) : undefined,
    changedOn?.has(host) ? supervisor.troubleWithSupervisorctl() : undefined,
  ]);
  if (trouble) {
    const reason = `its states were read without supervisorctl, but restarts need it: ${trouble.reason}`;
    return { host, refusal: refusalOf(host, { ...trouble, reason }) };
  }
  // After the configuration was asked for: what supervisord says of it is what was read last.
  const reread = rereadOn?.has(host) ? await supervisor.reread() : undefined;
  if (reread && reread.kind !== "read") return { host, refusal: unread(host, reread) };
  const daemon = supervisorPid === undefined ? {} : { supervisorPid };
  const more = {
    ...(warnings && { warnings }),
    ...(config && { config }),
    ...(histories && { histories }),
    ...(reread && { reread }),
  };
  return { host, ...seen, ...daemon, ...more };
}

/**
 * Finds out which EXITED processes stay so: by their configuration, or because they are still EXITED a while later. It
 * looks again only where that is not known, and no other host waits for it.
 */
async function withThoseAtRest(
  report: HostReport,
  { supervisor }: FleetHost,
  limit: LimitFunction,
  atRest: DiscoveryOptions["atRest"],
): Promise<HostReport> {
  if (!("instances" in report) || !atRest) return report;
  const autorestartOf = (instance: InstanceName) => report.config?.instances.get(instance)?.autorestart;
  const exited = namesOf(report.instances, "EXITED").filter(
    (instance) => atRest.isAsked(programOf(instance)) && autorestartOf(instance) !== true,
  );
  if (exited.every((instance) => autorestartOf(instance) === false)) return { ...report, at_rest: new Set(exited) };
  await atRest.wait(AT_REST_MS);
  const look = await limit(() => supervisor.look());
  // A process that has done its work looks like a worker that is being started again: nothing may be restarted on that.
  if (look.kind !== "seen") return { host: report.host, refusal: refusalOf(report.host, look) };
  const stillExited = new Set(namesOf(look.snapshots, "EXITED"));
  const now = new Map(look.snapshots.map((snapshot) => [snapshot.instance, snapshot]));
  const waitedFor = new Set(exited);
  // Of the others the first look holds, which is of one time with the ages of Supervisor's files.
  const instances = report.instances.flatMap((snapshot) =>
    waitedFor.has(snapshot.instance) ? (now.get(snapshot.instance) ?? []) : [snapshot],
  );
  return { ...report, instances, at_rest: new Set(exited.filter((instance) => stillExited.has(instance))) };
}

function isDown({ state }: ProcessSnapshot): boolean {
  return state === "STOPPED" || state === "EXITED";
}

function namesOf(snapshots: readonly ProcessSnapshot[], inState: ProcessState): InstanceName[] {
  return snapshots.flatMap(({ instance, state }) => (state === inState ? [instance] : []));
}

function unread(host: HostName, { kind, reason }: Exclude<RereadOutcome, { kind: "read" }>): Refusal {
  if (kind === "invalid") return { code: "config_unreadable", host, reason };
  return { code: "supervisor_unavailable", host, reason: `its configuration could not be read again: ${reason}` };
}

function refusalOf(host: HostName, look: UnseenLook): Refusal {
  const remedy = look.kind === "unavailable" ? look.remedy : undefined;
  return { code: codeOf(look), host, reason: look.reason, ...(remedy !== undefined && { remedy }) };
}
