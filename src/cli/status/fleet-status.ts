import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport, HostReport } from "../../domain/fleet.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import { isRunning, type ProcessSnapshot } from "../../domain/process-state.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { compilePrograms, compileSelector, type NamedSelector } from "../../domain/selector.ts";
import { startedLater, type StartedBefore } from "../../planner/build/started-before.ts";

/** The states of a plan's instances at one moment. `--output json` prints it as it is. */
export interface FleetStatus {
  readonly v: 1;
  readonly plan: string;
  readonly plan_file: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly hosts: readonly HostStatus[];
  /** With --checks: every check of the instances that are RUNNING. */
  readonly checks?: readonly CheckStatus[];
}

/** A check of an instance, as it was asked now. */
export interface CheckStatus {
  readonly host: HostName;
  readonly instance: InstanceName;
  /** What it asks, placeholders filled in. */
  readonly check: string;
  readonly passes: boolean;
  /** Why it does not pass. */
  readonly reason?: string;
}

export type HostStatus =
  | { readonly host: HostName; readonly instances: readonly SeenInstance[]; readonly missing: readonly string[] }
  | ({ readonly host: HostName } & Omit<Refusal, "host">);

export interface SeenInstance extends ProcessSnapshot {
  readonly program: ProgramName;
  /** Why it is not up, where that is no trouble: `autostart=false`. */
  readonly expected?: string;
}

/** Which instances are selected; see the command line's options of these names. */
export interface StatusSelection {
  readonly startedBefore?: StartedBefore;
  /** The programs are the command line's: a host without them is not amiss. */
  readonly programsWhereFound: boolean;
}

/** The instances that the plan selects on each host that was looked at, and the programs that it lacks. */
export function fleetStatus(plan: Plan, report: FleetReport, now: Date, selection: StatusSelection): FleetStatus {
  const programs = programsByHost(plan);
  const hosts = [...report.values()].map((one) => hostStatus(one, programs.get(one.host) ?? new Map(), selection));
  return { v: 1, plan: plan.name, plan_file: plan.file, at: now.toISOString(), hosts };
}

/** Nothing is wrong with what was seen: everything is there, and RUNNING or down as it is configured. */
export function isAsExpected({ hosts }: FleetStatus): boolean {
  return hosts.every(
    (one) =>
      "instances" in one &&
      one.missing.length === 0 &&
      one.instances.every((instance) => isRunning(instance) || instance.expected !== undefined),
  );
}

/** Supervisor's word for what it has never started: by itself it leaves nothing so but for its configuration. */
const NOT_STARTED = /^Not started/;

/** Why it is no trouble that an instance is not up; undefined if it is. */
function expectedState(
  { instance, state, description = "" }: ProcessSnapshot,
  { config, at_rest, histories }: Extract<HostReport, { readonly instances: unknown }>,
): string | undefined {
  const { autostart, autorestart } = config?.instances.get(instance) ?? {};
  if (state === "STOPPED") {
    const isExpected = autostart === undefined ? NOT_STARTED.test(description) : !autostart;
    return isExpected ? "autostart=false" : undefined;
  }
  if (state !== "EXITED" || at_rest?.has(instance) !== true) return undefined;
  const history = histories?.get(instance);
  // A one-shot that failed rests as well.
  if (history?.kind === "read" && history.processes.at(-1)?.end === "unexpected") return undefined;
  return autorestart === false ? "autorestart=false" : "it has ended as its configuration expects";
}

function hostStatus(report: HostReport, programs: ProgramsOfHost, selection: StatusSelection): HostStatus {
  const { host } = report;
  if ("refusal" in report) return { ...report.refusal, host };
  const selected = new Map<InstanceName, SeenInstance>();
  const missing: string[] = [];
  for (const [program, inWaves] of programs) {
    const isNamed = compileSelector(program);
    const found = report.instances.filter(({ instance }) => isNamed(instance));
    for (const snapshot of found.filter(({ instance }) => inWaves.some(({ names }) => names(instance))))
      if (!selection.startedBefore || startedLater(snapshot, selection.startedBefore) === undefined)
        selected.set(snapshot.instance, seen(snapshot, report));
    if (found.length === 0 && !selection.programsWhereFound) missing.push(program);
  }
  return { host, instances: [...selected.values()], missing };
}

function seen(snapshot: ProcessSnapshot, report: Extract<HostReport, { readonly instances: unknown }>): SeenInstance {
  const expected = expectedState(snapshot, report);
  return { ...snapshot, program: programOf(snapshot.instance), ...(expected !== undefined && { expected }) };
}

/** What each program of a host selects there, in each of the host's waves: exclusions may differ. */
type ProgramsOfHost = ReadonlyMap<string, readonly NamedSelector[]>;

function programsByHost(plan: Plan): ReadonlyMap<HostName, ProgramsOfHost> {
  const byHost = new Map<HostName, Map<string, NamedSelector[]>>();
  for (const { hosts, programs } of plan.waves) {
    const selectors = compilePrograms(programs);
    for (const { host } of hosts) {
      const ofHost = byHost.get(host) ?? new Map<string, NamedSelector[]>();
      byHost.set(host, ofHost);
      for (const one of selectors) ofHost.set(one.text, [...(ofHost.get(one.text) ?? []), one]);
    }
  }
  return byHost;
}
