import { counted } from "../../domain/counted.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { isRunning, RUNNING_ON_NOTHING, type ProcessState } from "../../domain/process-state.ts";
import { folded, foldedRows, groupedBy } from "../../domain/folding.ts";
import { roughly } from "../../planner/build/started-before.ts";
import { wrapped } from "../../views/words/wrapped.ts";
import { fitted } from "../terminal/aligned.ts";
import type { FleetStatus, HostStatus, SeenInstance } from "./fleet-status.ts";

/** The worst first; MISSING is what the plan names and the host does not have. */
const WORST_FIRST = [
  "MISSING",
  "UNKNOWN",
  "FATAL",
  "BACKOFF",
  "EXITED",
  "STOPPED",
  "STOPPING",
  "STARTING",
  "RUNNING",
] as const satisfies readonly (ProcessState | "MISSING")[];

/** A process that is younger may be crash-looping. */
const YOUNG_S = 10;

/** One instance on one host, as the table sorts and folds it. */
interface Entry {
  readonly host: HostName;
  readonly instance: InstanceName;
  readonly program: string;
  readonly state: ProcessState | "MISSING";
  readonly isYoung: boolean;
  readonly uptime_s?: number;
  readonly description: string;
  readonly isExpected?: boolean;
}

/**
 * The fleet as lines for a person: how it is on the whole, who cannot be seen, and a folded table, trouble first.
 * @param columns of the screen: cells that are too wide for it are continued below. Default: as wide as they are
 */
export function statusLines(status: FleetStatus, columns = Infinity): string[] {
  const entries = status.hosts.flatMap(entriesOf);
  return [
    headline(status, entries),
    ...unreachableLines(status).flatMap((line) => wrapped(line, columns)),
    ...checkLines(status).flatMap((line) => wrapped(line, columns)),
    ...tableLines(entries, columns),
  ];
}

/** How many pass, and each that does not with its reason first. */
function checkLines({ checks }: FleetStatus): string[] {
  if (!checks) return [];
  const failing = checks.filter(({ passes }) => !passes);
  return [
    "",
    `${checks.length - failing.length} of ${checks.length} checks pass`,
    ...failing.map(
      ({ host, instance, check, reason = "" }) => `  ${onOneLine(`${host} ${instance}: ${reason}: ${check}`)}`,
    ),
  ];
}

function headline({ plan, hosts }: FleetStatus, entries: readonly Entry[]): string {
  const running = entries.filter(({ state }) => state === "RUNNING").length;
  const expected = entries.filter(({ isExpected }) => isExpected).length;
  const seen = hosts.filter((one) => "instances" in one).length;
  const lost = hosts.length - seen;
  const unreachable = lost === 0 ? "" : `, ${lost} more unreachable`;
  const down = expected === 0 ? "" : ` and ${expected} down as configured,`;
  return `${printable(plan)}: ${running} of ${entries.length} RUNNING${down} on ${counted(seen, "host")}${unreachable}`;
}

function unreachableLines({ hosts }: FleetStatus): string[] {
  const lost = hosts.flatMap((one) => ("instances" in one ? [] : [one]));
  const lines = groupedBy(lost, ({ code, reason }) => `${code} ${reason}`).flatMap((some) => {
    const why = some[0] ? `${onOneLine(some[0].reason)} (${some[0].code})` : "";
    const remedy = some[0]?.remedy;
    return [
      `  ${folded(some.map(({ host }) => host))}: ${why}`,
      ...(remedy === undefined ? [] : [`    ${onOneLine(remedy)}`]),
    ];
  });
  return lines.length === 0 ? [] : ["", "unreachable", ...lines];
}

function tableLines(entries: readonly Entry[], columns: number): string[] {
  if (entries.length === 0) return [];
  const kinds = groupedBy(entries, ({ state, isYoung, program, description }) =>
    JSON.stringify([state, isYoung, program, description]),
  );
  kinds.sort(([a], [b]) => (a && b ? rank(a) - rank(b) : 0));
  const sizes = new Map<string, number>();
  for (const entry of entries) sizes.set(groupOn(entry), (sizes.get(groupOn(entry)) ?? 0) + 1);
  const rows = kinds.flatMap((kind) => {
    const state = kind[0]?.state ?? "";
    return foldedRows(kind).map(({ hosts, instances, places }) => [
      state,
      hosts,
      foldedGroup(instances, places, sizes),
      detail(places),
    ]);
  });
  return ["", ...fitted([["STATE", "HOSTS", "INSTANCES", ""], ...rows], columns)];
}

/** Longer lists of names are read by nobody. */
const LONGEST_LIST = 40;

function groupOn({ host, program }: Entry): string {
  return `${host} ${program}`;
}

/** A long list of all instances of a group as `group:* (12)`: of each host of the row, as they are alike. */
function foldedGroup(instances: string, places: readonly Entry[], sizes: ReadonlyMap<string, number>): string {
  const [first] = places;
  if (!first || instances.length <= LONGEST_LIST) return instances;
  const count = places.filter(({ host }) => host === first.host).length;
  return sizes.get(groupOn(first)) === count ? `${printable(first.program)}:* (${count})` : instances;
}

function rank({ state, isYoung, isExpected }: Entry): number {
  return isExpected ? WORST_FIRST.length - 1.5 : WORST_FIRST.indexOf(state) - (isYoung ? 0.5 : 0);
}

/** How long they have been up, or Supervisor's own words. */
function detail(row: readonly Entry[]): string {
  const [first] = row;
  if (!first) return "";
  const uptimes = row.flatMap(({ uptime_s }) => uptime_s ?? []);
  if (uptimes.length === 0) return onOneLine(first.description);
  const [least, most] = [uptimes.reduce((a, b) => Math.min(a, b)), uptimes.reduce((a, b) => Math.max(a, b))].map(
    roughly,
  );
  const range = least === most ? `up ${least}` : `up ${least} to ${most}`;
  return first.isYoung ? `${range}: just started, or crash-looping` : range;
}

function entriesOf(status: HostStatus): Entry[] {
  if (!("instances" in status)) return [];
  const { host, instances, missing } = status;
  return [
    ...missing.map((program): Entry => ({
      host,
      instance: program as InstanceName,
      program,
      state: "MISSING",
      isYoung: false,
      description: "the plan names it, but Supervisor does not have it",
    })),
    ...instances.map((instance) => entryOf(host, instance)),
  ];
}

function entryOf(host: HostName, snapshot: SeenInstance): Entry {
  const { instance, program, state, uptime_s, description: words = "", expected } = snapshot;
  const description = expected === undefined ? words : `${words}${words === "" ? "" : "; "}as configured: ${expected}`;
  if (state === "RUNNING" && !isRunning(snapshot))
    return { host, instance, program, state: "UNKNOWN", isYoung: false, description: RUNNING_ON_NOTHING };
  const isYoung = state === "RUNNING" && uptime_s !== undefined && uptime_s < YOUNG_S;
  const isExpected = expected !== undefined;
  return {
    host,
    instance,
    program,
    state,
    isYoung,
    description,
    isExpected,
    ...(uptime_s !== undefined && { uptime_s }),
  };
}
