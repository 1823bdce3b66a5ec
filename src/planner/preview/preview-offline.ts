import { counted } from "../../domain/counted.ts";
import { formatDuration } from "../../domain/duration.ts";
import { printable } from "../../domain/printable.ts";
import { formatQuantity } from "../../domain/quantity.ts";
import type { HostName } from "../../domain/ids.ts";
import { inBatches, type HostBatch } from "../build/host-batches.ts";
import { folded, foldedInOrder, groupedBy } from "../../domain/folding.ts";
import type { Plan, PlanWave } from "../plan/plan.ts";
import { atATime } from "./preview-words.ts";

/** What a plan says by itself, without a look at the fleet: hosts and batches, no instances. */
export interface OfflinePlan {
  readonly name: string;
  readonly plan_file: string;
  readonly waves: readonly OfflineWave[];
}

interface OfflineWave {
  readonly group: string;
  readonly programs: readonly string[];
  readonly between_batches_ms: number;
  readonly pause?: { readonly ms: number } | "ask";
  readonly batches: readonly HostBatch<HostName>[];
}

/** Plans hosts as if each had something to restart. */
export function planOffline({ name, file, waves }: Plan): OfflinePlan {
  return {
    name,
    plan_file: file,
    waves: waves.map(({ group, programs, between_batches_ms, pause, batches, hosts }) => ({
      group,
      programs,
      between_batches_ms,
      ...(pause !== undefined && { pause }),
      batches: inBatches(
        hosts.map(({ host }) => host),
        batches,
      ),
    })),
  };
}

/** The waves and batches of a plan for a person. */
export function offlineText(plan: Plan): string {
  const offline = planOffline(plan);
  const hosts = new Set(offline.waves.flatMap(({ batches }) => batches.flatMap((batch) => batch.hosts)));
  const waves = offline.waves.flatMap((wave, index) => {
    const settings = plan.waves[index];
    return settings ? waveLines(wave, settings, index, offline.waves.length) : [];
  });
  const lines = [
    `${printable(offline.name)}: ${counted(hosts.size, "host")}, none of them contacted`,
    ...waves,
    "",
    "A host without instances to restart leaves its batch to the next; --dry-run without --offline shows the instances.",
  ];
  return `${lines.join("\n")}\n`;
}

function waveLines(wave: OfflineWave, { hosts }: PlanWave, index: number, waves: number): string[] {
  const { group, programs, between_batches_ms, pause, batches } = wave;
  const rest =
    between_batches_ms > 0 && batches.length > 1 ? [`  ${formatDuration(between_batches_ms)} between batches`] : [];
  return [
    "",
    `wave ${index + 1} of ${waves}: ${printable(group)}`,
    `  programs: ${programs.map(printable).join(", ")}`,
    ...groupedBy(hosts, ({ settings }) => formatQuantity(settings.instances)).map(instancesLine),
    ...rest,
    ...batchLines(batches),
    ...(index === waves - 1 || pause === undefined ? [] : [pauseLine(pause)]),
  ];
}

function instancesLine(hosts: PlanWave["hosts"], _: number, kinds: readonly unknown[]): string {
  const quantity = formatQuantity(hosts[0]?.settings.instances ?? { count: 1 });
  const where = kinds.length === 1 ? "" : ` on ${folded(hosts.map(({ host }) => host))}`;
  return `  instances of a program on one host${where}: ${quantity} at a time`;
}

function pauseLine(pause: NonNullable<OfflineWave["pause"]>): string {
  return pause === "ask" ? "  then it asks whether to go on" : `  then a pause of ${formatDuration(pause.ms)}`;
}

/** Neighbouring batches of one size share a line, in which the hosts stand in their order. */
function batchLines(batches: readonly HostBatch<HostName>[]): string[] {
  const lines: string[] = [];
  for (let first = 0; first < batches.length;) {
    const { hosts, at_once } = batches[first] ?? { hosts: [], at_once: 1 };
    let end = first + 1;
    while (batches[end]?.hosts.length === hosts.length) end++;
    const names = foldedInOrder(batches.slice(first, end).flatMap((batch) => batch.hosts));
    const which = end === first + 1 ? `batch ${first + 1}` : `batches ${first + 1}-${end}`;
    const each = end === first + 1 ? (hosts.length > 1 ? " together" : "") : " each";
    const sliding = `${counted(hosts.length, "host")}, ${atATime(at_once)}, the next as soon as one is done`;
    const title =
      at_once < hosts.length ? sliding : `${which} of ${batches.length}: ${counted(hosts.length, "host")}${each}`;
    lines.push(`  ${title}`, `    ${names}`);
    first = end;
  }
  return lines;
}
