import { whyNotAddressable } from "../../domain/address.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import type { InstanceName } from "../../domain/ids.ts";
import { lastEndIn } from "../../domain/process-history.ts";
import { partsIn, type Warning } from "../../domain/rollout.ts";
import type { Diagnostic } from "../text/diagnostic.ts";
import type { HostTarget } from "../../domain/target.ts";
import { capacityForecasts, type CapacityForecast, type Sizes } from "./capacity.ts";
import { configWarnings } from "./config-warnings.ts";
import { folded, groupedBy } from "../../domain/folding.ts";
import { membersText } from "./mixed-groups.ts";

/** An instance with a shorter uptime may be crash-looping: most looks show that as RUNNING. */
const YOUNG_S = 10;

/** A warning about the plan, with its place. */
export function warningOfPlan({ file, line = 1, path, message }: Diagnostic): string {
  return `${file}:${line}: ${path}: ${message}`;
}

/** Warnings about a rollout as a whole. Those about single broken instances come from InstancePicker. */
export function warningsOf(rollout: Sizes & { readonly hosts: readonly HostTarget[] }, fleet: FleetReport): Warning[] {
  const all = capacityForecasts(rollout, fleet);
  return [
    ...ofConnections(fleet),
    ...floorWarnings(all),
    ...mixedWarnings(all),
    ...sharedAddresses(rollout.hosts),
    ...young(rollout, fleet),
    ...unaddressable(fleet),
    ...configWarnings(rollout, fleet),
  ];
}

function ofConnections(fleet: FleetReport): Warning[] {
  return [...fleet.values()].flatMap(({ host, ...report }) =>
    "instances" in report ? (report.warnings ?? []).map((message) => ({ host, message })) : [],
  );
}

function floorWarnings(all: readonly CapacityForecast[]): Warning[] {
  return all.flatMap((capacity) => {
    const message = floorWarning(capacity);
    return message === undefined ? [] : [{ message }];
  });
}

function floorWarning({ program, total, healthy, mostDown, floor, isStuck }: CapacityForecast): string | undefined {
  if (floor === undefined || mostDown === 0) return undefined;
  const asked = `min_healthy keeps ${floor} of ${total} ${program} healthy`;
  if (isStuck) return `${asked}, and only ${healthy} are healthy now: it will wait for more, and halt if none recover`;
  const free = healthy - floor;
  if (mostDown <= free) return undefined;
  return `${asked}: ${free} may be down at once, not the ${mostDown} of the batch sizes, so restarts will wait for each other`;
}

/** A floor counts a Supervisor group, whatever programs are in it. */
function mixedWarnings(all: readonly CapacityForecast[]): Warning[] {
  return all.flatMap(({ program, total, floor, members }) => {
    if (floor === undefined || !members) return [];
    const unprotected = members.filter(({ count }) => total - count >= floor).map(({ name }) => `${program}:${name}`);
    const alone = unprotected.length === 0 ? "" : `, even with none of ${unprotected.join(", or none of ")}`;
    const message = `min_healthy counts the whole group ${program}: its floor of ${floor} is kept by any ${floor} of ${membersText(members)}${alone}`;
    return [{ message }];
  });
}

function sharedAddresses(hosts: readonly HostTarget[]): Warning[] {
  const ways = groupedBy(hosts, ({ connection, address }) => (connection === "local" ? "" : address.toLowerCase()));
  return ways.flatMap(([first, ...more]) => {
    if (!first || more.length === 0) return [];
    const names = folded([first, ...more].map(({ name }) => name));
    const where = first.connection === "local" ? "are this machine" : `share the address ${first.address}`;
    return [{ message: `${names} ${where}: batches of hosts count them as ${more.length + 1}` }];
  });
}

function young(rollout: Sizes, fleet: FleetReport): Warning[] {
  const warnings: Warning[] = [];
  for (const { host, batches, on_expected_exit } of partsIn(rollout)) {
    const report = fleet.get(host);
    const { instances: snapshots, histories } = report && "instances" in report ? report : { instances: [] };
    const uptimes = new Map(snapshots.map(({ instance, uptime_s }) => [instance, uptime_s]));
    const isByDesign = (instance: InstanceName) =>
      on_expected_exit === "accept" && lastEndIn(histories?.get(instance)) === "expected";
    for (const { instance, action } of batches.flatMap(({ instances }) => instances))
      if (action !== "stop" && (uptimes.get(instance) ?? YOUNG_S) < YOUNG_S && !isByDesign(instance))
        warnings.push({
          host,
          instance,
          message: `it has been running for less than ${YOUNG_S}s: it may be crash-looping`,
        });
  }
  return warnings;
}

/** Those that are selected were refused before; these are left alone. */
function unaddressable(fleet: FleetReport): Warning[] {
  return [...fleet.values()].flatMap(({ host, ...report }) =>
    ("instances" in report ? report.instances : []).flatMap(({ instance }) => {
      const why = whyNotAddressable(instance);
      return why === undefined ? [] : [{ host, instance, message: `no plan can restart it by itself: ${why}` }];
    }),
  );
}
