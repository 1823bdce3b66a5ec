import { counted } from "../../domain/counted.ts";
import { formatDuration, formatElapsed } from "../../domain/duration.ts";
import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import { countsText } from "./counting.ts";
import { driftText, supervisorRestartText } from "./drift-text.ts";
import { leftoversTitle, processText } from "./leftovers-text.ts";
import { failureTitle, haltTitle } from "./failure-text.ts";
import { answerText, PAUSE_CHOICES, questionText } from "./question-text.ts";
import { onOneLine } from "../../domain/printable.ts";
import { logsOf } from "./logs.ts";
import { subjectOf } from "./subject.ts";

/** One line for a log. */
export interface Fact {
  /** `host instance`, `host`, or empty for what concerns the whole rollout. */
  readonly about: string;
  readonly text: string;
  /** Facts of one series: one that says what the last of them said about the same is left out. */
  readonly series?: "state" | "skip";
}

/** What an event says, as lines without time. What another version's journal has besides is passed over. */
export function factsOf(event: RolloutEvent): Fact[] {
  return knownFactsOf(event) ?? [];
}

function knownFactsOf(event: RolloutEvent): Fact[] | undefined {
  switch (event.type) {
    case "rollout.planned":
      return factsOfPlan(event);
    case "lock.waiting":
      return [{ about: event.host ?? "", text: `waits, for at most ${formatElapsed(event.ms)}: ${event.reason}` }];
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
      return [{ about: event.host, text: `connected, ${counted(event.instances, "instance")}` }];
    case "host.unreachable":
      return [{ about: event.host, text: `${event.code.replaceAll("_", " ")}: ${event.reason}` }];
    case "host.supervisor_restarted":
      return [{ about: event.host, text: supervisorRestartText(event) }];
    case "host.resting":
      return [{ about: event.host, text: `rests ${formatDuration(event.ms)} before its next instances` }];
    case "host.finished":
      return [{ about: event.host, text: "finished" }];
    // How it ends is the fact; one that takes its time is told while it is waited for.
    case "hook.started":
      return [];
    case "hook.finished":
      return [hookEnded(event)];
    case "rollout.paused":
      return factsOfPause(event);
    case "rollout.resumed":
      return [overall("goes on")];
    case "rollout.asking": {
      const text = `asks what to do about this, and begins nothing until then: ${event.reason}`;
      const about = subjectOf(event);
      return [
        { about, text },
        { about, text: `| ${questionText(event.answers)}` },
      ];
    }
    case "rollout.answered":
      return [{ about: subjectOf(event), text: answerText(event.answer) }];
    case "rollout.interrupted":
      return [overall(`interrupted (${event.signal}): nothing further begins, what is under restart is waited for`)];
    case "rollout.halted":
      return [overall(`halted: ${event.reason}: ${haltTitle(event.code)}`)];
    case "rollout.finished":
      return factsOfEnd(event);
    case "instance.drifted":
    case "instance.waiting":
    case "instance.restarting":
    case "instance.observed":
    case "instance.healthy":
    case "instance.failed":
    case "instance.leftovers":
    case "instance.skipped":
    case "instance.indeterminate":
    case "instance.unchanged":
      return factsOfInstance(event);
  }
}

/** That it is stderr's goes without saying. */
function logLines(event: EventOf<"instance.failed">): string[] {
  return logsOf(event).flatMap(({ title, lines }) => [
    ...(title === undefined || (event.log !== "stdout" && event.stdout_tail === undefined) ? [] : [`${title}:`]),
    ...lines.map((line) => `| ${line}`),
  ]);
}

function factsOfInstance(event: EventOf<`instance.${string}` & RolloutEvent["type"]>): Fact[] {
  const about = `${event.host} ${event.instance}`;
  switch (event.type) {
    case "instance.drifted":
      return [{ about, text: driftText(event) }];
    case "instance.waiting":
      return [{ about, text: waitingText(event) }];
    case "instance.restarting": {
      const verb = event.action === "start" ? "starting" : "restarting";
      return [{ about, text: `${verb}, was ${event.previous_state}${onPid(event.previous_pid)}` }];
    }
    case "instance.observed":
      return [{ about, text: `is ${event.state}${onPid(event.pid)}`, series: "state" }];
    case "instance.healthy": {
      // It takes no time at all only where an earlier rollout has sent the restart.
      const after = event.seconds > 0 ? ` after ${formatElapsed(event.seconds * 1000)}` : "";
      const how = event.completed
        ? `completed${after}: it has ended as expected`
        : `healthy${after}${onPid(event.pid)}`;
      return [{ about, text: how }];
    }
    case "instance.failed": {
      const failed = {
        about,
        text: `failed after ${formatElapsed(event.seconds * 1000)}: ${failureTitle(event.code)}: ${event.reason}${event.still_drained ? "; it is still drained" : ""}`,
      };
      return [failed, ...logLines(event).map((text) => ({ about, text }))];
    }
    case "instance.leftovers":
      return [
        { about, text: `${leftoversTitle(event)}:` },
        ...event.processes.map((process) => ({ about, text: `| ${onOneLine(processText(process))}` })),
      ];
    case "instance.skipped":
      return [skipped(event)];
    case "instance.indeterminate":
      return [
        {
          about,
          text: `lost sight of it during its restart: ${event.reason}${event.still_drained ? "; it is still drained" : ""}`,
        },
      ];
    case "instance.unchanged":
      return [{ about, text: `is as it was: ${event.reason}` }];
  }
}

function onPid(pid: number | undefined): string {
  return pid === undefined ? "" : ` on pid ${pid}`;
}

function waitingText({ healthy, min_healthy, ms }: EventOf<"instance.waiting">): string {
  return `waits: ${healthy} of its program are healthy and ${min_healthy} must stay so; halts in ${formatDuration(ms)}`;
}

function factsOfPause({ wave, group, ms }: EventOf<"rollout.paused">): Fact[] {
  const paused = `paused after wave ${wave} (${group})`;
  if (ms !== undefined) return [overall(`${paused} for ${formatDuration(ms)}`)];
  return [overall(`${paused} until the operator answers`), overall(`| ${PAUSE_CHOICES}`)];
}

function hookEnded(event: EventOf<"hook.finished">): Fact {
  const outcome = event.succeeded ? "succeeded" : `failed: ${event.reason ?? "no reason was given"}`;
  return { about: subjectOf(event), text: `hook ${event.hook} ${outcome}` };
}

function factsOfPlan({ name, reason, waves, skipped: left, warnings }: EventOf<"rollout.planned">): Fact[] {
  const hosts = new Set<string>();
  let instances = 0;
  for (const { batches } of waves)
    for (const work of batches.flatMap((batch) => batch.hosts)) {
      hosts.add(work.host);
      instances += work.batches.reduce((sum, batch) => sum + batch.instances.length, 0);
    }
  const why = reason === undefined ? "" : `, reason: ${reason}`;
  return [
    overall(
      `${name}: ${counted(instances, "instance")} on ${counted(hosts.size, "host")} in ${counted(waves.length, "wave")}${why}; times are UTC`,
    ),
    ...warnings.map((warning) => ({ about: subjectOf(warning), text: `warning: ${warning.message}` })),
    ...left.map(skipped),
  ];
}

/** Why a rollout was refused is no fact of it but a diagnostic, told where those are told. */
function factsOfEnd({ outcome, counts, seconds }: EventOf<"rollout.finished">): Fact[] {
  const end = outcome === "refused" ? "nothing was changed" : countsText(counts);
  return [overall(`${outcome} after ${formatElapsed(seconds * 1000)}: ${end}`)];
}

function skipped(skip: Pick<EventOf<"instance.skipped">, "host" | "instance" | "why">): Fact {
  return { about: subjectOf(skip), text: `skipped: ${skip.why}`, series: "skip" };
}

function overall(text: string): Fact {
  return { about: "", text };
}
