import { formatDuration, formatElapsed } from "../domain/duration.ts";
import type { RolloutEvent } from "../domain/events.ts";
import type { InstanceName } from "../domain/ids.ts";
import { countsText, many } from "./counting.ts";
import { titleOf } from "./failure-text.ts";
import { printableLines } from "./printable.ts";

/** One line for a log. */
export interface Fact {
  /** `host instance`, `host`, or empty for what concerns the whole rollout. */
  readonly about: string;
  readonly text: string;
  /** Facts of one series: one that says what the last of them said about the same is left out. */
  readonly series?: "state" | "skip";
}

type Of<Type extends RolloutEvent["type"]> = Extract<RolloutEvent, { type: Type }>;

/** What an event says, as lines without time. */
export function factsOf(event: RolloutEvent): Fact[] {
  switch (event.type) {
    case "rollout.planned":
      return factsOfPlan(event);
    case "rollout.started":
      return [overall("started")];
    case "wave.started":
      return [overall(`wave ${event.wave} (${event.group}) begins`)];
    case "wave.finished":
      return [overall(`wave ${event.wave} (${event.group}) ended`)];
    case "batch.started":
      return [overall(`wave ${event.wave} (${event.group}) batch ${event.batch} begins: ${event.hosts.join(" ")}`)];
    case "batch.finished":
      return [overall(`wave ${event.wave} (${event.group}) batch ${event.batch} ended`)];
    case "batch.resting":
      return [overall(`rests ${formatDuration(event.ms)} before the next batch`)];
    case "host.connected":
      return [{ about: event.host, text: `connected, ${many(event.instances, "instance")}` }];
    case "host.unreachable":
      return [{ about: event.host, text: `${event.code.replaceAll("_", " ")}: ${event.reason}` }];
    case "host.resting":
      return [{ about: event.host, text: `rests ${formatDuration(event.ms)} before its next instances` }];
    case "host.finished":
      return [{ about: event.host, text: "finished" }];
    case "rollout.interrupted":
      return [overall(`interrupted (${event.signal}): nothing further begins, what is under restart is waited for`)];
    case "rollout.halted":
      return [overall(`halted: ${event.reason}: ${titleOf(event.code)}`)];
    case "rollout.finished":
      return factsOfEnd(event);
    case "instance.restarting":
    case "instance.observed":
    case "instance.healthy":
    case "instance.failed":
    case "instance.skipped":
    case "instance.indeterminate":
      return factsOfInstance(event);
  }
}

function factsOfInstance(event: Extract<RolloutEvent, { instance: InstanceName }>): Fact[] {
  const about = `${event.host} ${event.instance}`;
  switch (event.type) {
    case "instance.restarting":
      return [{ about, text: `restarting, was ${event.previous_state}${event.previous_pid === undefined ? "" : ` on pid ${event.previous_pid}`}` }];
    case "instance.observed":
      return [{ about, text: `is ${event.state}${event.pid === undefined ? "" : ` on pid ${event.pid}`}`, series: "state" }];
    case "instance.healthy":
      return [{ about, text: `healthy after ${formatElapsed(event.seconds * 1000)} on pid ${event.pid}` }];
    case "instance.failed": {
      const failed = { about, text: `failed after ${formatElapsed(event.seconds * 1000)}: ${titleOf(event.code)}: ${event.reason}` };
      return [failed, ...printableLines(event.log_tail).map((line) => ({ about, text: `| ${line}` }))];
    }
    case "instance.skipped":
      return [skipped(event)];
    case "instance.indeterminate":
      return [{ about, text: `lost sight of it during its restart: ${event.reason}` }];
  }
}

function factsOfPlan({ name, reason, waves, skipped: left, warnings }: Of<"rollout.planned">): Fact[] {
  const hosts = new Set<string>();
  let instances = 0;
  for (const { batches } of waves)
    for (const work of batches.flatMap((batch) => batch.hosts)) {
      hosts.add(work.host);
      instances += work.batches.reduce((sum, batch) => sum + batch.instances.length, 0);
    }
  const why = reason === undefined ? "" : `, reason: ${reason}`;
  return [
    overall(`${name}: ${many(instances, "instance")} on ${many(hosts.size, "host")} in ${many(waves.length, "wave")}${why}; times are UTC`),
    ...warnings.map(({ host, instance, message }) => ({
      about: [host, instance].filter((part) => part !== undefined).join(" "),
      text: `warning: ${message}`,
    })),
    ...left.map(skipped),
  ];
}

function factsOfEnd({ outcome, counts, seconds, refusals = [] }: Of<"rollout.finished">): Fact[] {
  return [
    ...refusals.map(({ host, code, reason }) => ({ about: host ?? "", text: `refused (${code}): ${reason}` })),
    overall(`${outcome} after ${formatElapsed(seconds * 1000)}: ${countsText(counts)}`),
  ];
}

function skipped({ host, instance, why }: { readonly host: string; readonly instance: string; readonly why: string }): Fact {
  return { about: `${host} ${instance}`, text: `skipped: ${why}`, series: "skip" };
}

function overall(text: string): Fact {
  return { about: "", text };
}
