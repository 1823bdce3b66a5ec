import { counted } from "../../domain/counted.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { isRunning, RUNNING_ON_NOTHING, type ProcessState } from "../../domain/process-state.ts";
import { folded, foldedRows, groupedBy } from "../../domain/folding.ts";
import { roughly } from "../../planner/build/started-before.ts";
import { aligned } from "../terminal/aligned.ts";
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
}

/** The fleet as lines for a person: how it is on the whole, who cannot be seen, and a folded table, trouble first. */
export function statusLines(status: FleetStatus): string[] {
  const entries = status.hosts.flatMap(entriesOf);
  return [headline(status, entries), ...unreachableLines(status), ...tableLines(entries)];
}

function headline({ plan, hosts }: FleetStatus, entries: readonly Entry[]): string {
  const running = entries.filter(({ state }) => state === "RUNNING").length;
  const seen = hosts.filter((one) => "instances" in one).length;
  const lost = hosts.length - seen;
  const unreachable = lost === 0 ? "" : `, ${lost} more unreachable`;
  return `${printable(plan)}: ${running} of ${entries.length} RUNNING on ${counted(seen, "host")}${unreachable}`;
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

function tableLines(entries: readonly Entry[]): string[] {
  if (entries.length === 0) return [];
  const kinds = groupedBy(entries, ({ state, isYoung, program, description }) =>
    JSON.stringify([state, isYoung, program, description]),
  );
  kinds.sort(([a], [b]) => (a && b ? rank(a) - rank(b) : 0));
  const rows = kinds.flatMap((kind) => {
    const state = kind[0]?.state ?? "";
    return foldedRows(kind).map(({ hosts, instances, places }) => [state, hosts, instances, detail(places)]);
  });
  return ["", ...aligned([["STATE", "HOSTS", "INSTANCES", ""], ...rows])];
}

function rank({ state, isYoung }: Entry): number {
  return WORST_FIRST.indexOf(state) - (isYoung ? 0.5 : 0);
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
  const { instance, program, state, uptime_s, description = "" } = snapshot;
  if (state === "RUNNING" && !isRunning(snapshot))
    return { host, instance, program, state: "UNKNOWN", isYoung: false, description: RUNNING_ON_NOTHING };
  const isYoung = state === "RUNNING" && uptime_s !== undefined && uptime_s < YOUNG_S;
  return { host, instance, program, state, isYoung, description, ...(uptime_s !== undefined && { uptime_s }) };
}
