import { formatElapsed } from "../domain/duration.ts";
import { sizeOf, worksOf, type Batch, type HostWork, type InstanceBatch, type Rollout, type Wave } from "../domain/rollout.ts";

/** The rollout as a person reads it before the run: waves, batches, hosts and instances in the order in which they come. */
export function previewText(rollout: Rollout): string {
  const works = [...worksOf(rollout)];
  const instances = works.reduce((sum, work) => sum + sizeOf(work), 0);
  const hosts = new Set(works.map(({ host }) => host)).size;
  const lines = [
    `${rollout.name}: ${count(instances, "instance")} on ${count(hosts, "host")} would be restarted; nothing was changed`,
    ...rollout.waves.flatMap((wave, index) => waveLines(wave, index, rollout.waves.length)),
    ...section("skipped", rollout.skipped.map(({ host, instance, why }) => `${host}  ${instance}: ${why}`)),
    ...section("warnings", rollout.warnings.map(({ host, instance, message }) => [host, instance].filter(Boolean).join("  ") + `: ${message}`)),
    "",
    `It takes at least ${formatElapsed(leastMs(rollout))}, and the time that the programs take to stop and start.`,
  ];
  return `${lines.join("\n")}\n`;
}

function waveLines(wave: Wave, index: number, waves: number): string[] {
  const title = `wave ${index + 1} of ${waves}: ${wave.group}`;
  return ["", title, ...wave.batches.flatMap((batch, number) => batchLines(batch, number, wave))];
}

function batchLines(batch: Batch, number: number, wave: Wave): string[] {
  const together = batch.hosts.length > 1 ? `, ${batch.hosts.length} hosts together` : "";
  return [`  batch ${number + 1} of ${wave.batches.length}${together}`, ...batch.hosts.map(hostLine)];
}

function hostLine({ host, batches }: HostWork): string {
  return `    ${host}  ${batches.map(instancesText).join(", ")}`;
}

/** Instances that are restarted together stand in parentheses. */
function instancesText({ instances }: InstanceBatch): string {
  const names = instances.map(({ instance }) => instance);
  return names.length > 1 ? `(${names.join(" ")})` : names.join("");
}

/** What the plan's own timings make of it: soaks, rests between restarts, rests between batches. */
function leastMs(rollout: Rollout): number {
  const batches = rollout.waves.flatMap((wave) => wave.batches.map((batch) => ({ batch, restMs: wave.between_batches_ms })));
  return batches.reduce((sum, { batch, restMs }, index) => sum + Math.max(...batch.hosts.map(leastHostMs)) + (index < batches.length - 1 ? restMs : 0), 0);
}

function leastHostMs({ batches, timings }: HostWork): number {
  return batches.length * timings.min_healthy_time_ms + Math.max(0, batches.length - 1) * timings.between_restarts_ms;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
