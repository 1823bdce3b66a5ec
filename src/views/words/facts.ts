import { doingText, successText } from "./action-text.ts";
import { counted } from "../../domain/counted.ts";
import { formatDuration, formatElapsed } from "../../domain/duration.ts";
import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import { countsText } from "./counting.ts";
import { failingText } from "./check-text.ts";
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

/** What an event says, as lines without time. None for an event of a newer version. */
export function factsOf(event: RolloutEvent): Fact[] {
  return knownFactsOf(event) ?? [];
}

function knownFactsOf(event: RolloutEvent): Fact[] | undefined {
  switch (event.type) {
    case "rollout.planned":
      return factsOfPlan(event);
    case "lock.waiting":
      return [
        { about: event.host ?? "", text: `waiting for a lock, at most ${formatElapsed(event.ms)}: ${event.reason}` },
      ];
    case "rollout.started":
      return [overall("started")];
    case "wave.started":
      return [overall(`wave ${event.wave} (${event.group}) started`)];
    case "wave.finished":
      return [overall(`wave ${event.wave} (${event.group}) finished`)];
    case "batch.started":
      return [overall(`wave ${event.wave} (${event.group}) batch ${event.batch} started: ${event.hosts.join(" ")}`)];
    case "batch.finished":
      return [overall(`wave ${event.wave} (${event.group}) batch ${event.batch} finished`)];
    case "batch.resting":
      return [overall(`pausing ${formatDuration(event.ms)} before the next batch`)];
    case "group.updating": {
      const { before, after } = event;
      const howMany = `${counted(before.length, "instance")} -> ${counted(after.length, "instance")}`;
      return [{ about: `${event.host} ${event.program}`, text: `updating the group, ${howMany}` }];
    }
    case "group.updated":
      return [{ about: `${event.host} ${event.program}`, text: "the group has its new configuration" }];
    case "host.connected":
      return [{ about: event.host, text: `connected, ${counted(event.instances, "instance")}` }];
    case "host.unreachable":
      return [{ about: event.host, text: `${event.code.replaceAll("_", " ")}: ${event.reason}` }];
    case "host.supervisor_restarted":
      return [{ about: event.host, text: supervisorRestartText(event) }];
    case "host.resting":
      return [{ about: event.host, text: `pausing ${formatDuration(event.ms)} before its next instances` }];
    case "host.finished":
      return [{ about: event.host, text: "finished" }];
    // Its end is the fact; while it runs, it is what the rollout waits for.
    case "hook.started":
      return [];
    case "hook.finished":
      return [hookEnded(event)];
    case "rollout.paused":
      return factsOfPause(event);
    case "rollout.resumed":
      return [overall("pause over, continuing")];
    case "rollout.asking": {
      const text = `waiting for your decision; nothing new starts until then: ${event.reason}`;
      return [aboutOf(event, text), { ...aboutOf(event), text: `| ${questionText(event.answers)}` }];
    }
    case "rollout.answered":
      return [aboutOf(event, answerText(event.answer))];
    case "rollout.interrupted":
      return [overall(`interrupted (${event.signal}): no new restarts; waiting for those in progress`)];
    case "rollout.reverting":
      return [overall(`reverting rollout ${event.reverts}`)];
    case "rollout.halted":
      return [overall(`halted: ${event.reason}: ${haltTitle(event.code)}`)];
    case "rollout.finished":
      return factsOfEnd(event);
    case "check.failing":
      return [{ about: subjectOf(event), text: `a check fails: ${failingText(event)}: ${event.check}` }];
    case "check.recovered":
      return [{ about: subjectOf(event), text: `a check passes now: ${event.check}` }];
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

/** Titles only where the log could be taken for another: an untitled one is that of stderr. */
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
      const doing = doingText(event.action, event.signal);
      return [{ about, text: `${doing}, was ${event.previous_state}${onPid(event.previous_pid)}` }];
    }
    case "instance.observed":
      return [{ about, text: `is ${event.state}${onPid(event.pid)}`, series: "state" }];
    case "instance.healthy": {
      const after = afterText(event.seconds);
      const why = event.completed ? ": it exited as expected" : "";
      return [{ about, text: `${successText(event)}${after}${onPid(event.pid)}${why}` }];
    }
    case "instance.failed": {
      const failed = {
        about,
        text: `failed${afterText(event.seconds)}: ${failureTitle(event.code)}: ${event.reason}${event.still_drained ? "; it is still drained" : ""}`,
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
          text: `contact was lost during its restart: ${event.reason}${event.still_drained ? "; it is still drained" : ""}`,
        },
      ];
    case "instance.unchanged":
      return [{ about, text: `is unchanged: ${event.reason}` }];
  }
}

/** It takes no time only where this rollout has sent no restart, and for one that failed after it was healthy. */
function afterText(seconds: number): string {
  return seconds > 0 ? ` after ${formatElapsed(seconds * 1000)}` : "";
}

function onPid(pid: number | undefined): string {
  return pid === undefined ? "" : ` on pid ${pid}`;
}

function waitingText({ program, floor_of, healthy, min_healthy, ms }: EventOf<"instance.waiting">): string {
  const of = floor_of ?? program;
  return `waiting: min_healthy keeps ${counted(min_healthy, `${of} instance`)} up and only ${healthy} ${healthy === 1 ? "is" : "are"}; gives up in ${formatDuration(ms)}`;
}

function factsOfPause({ wave, group, ms }: EventOf<"rollout.paused">): Fact[] {
  const paused = `paused after wave ${wave} (${group})`;
  if (ms !== undefined) return [overall(`${paused} for ${formatDuration(ms)}`)];
  return [overall(`${paused} until the operator answers`), overall(`| ${PAUSE_CHOICES}`)];
}

function hookEnded(event: EventOf<"hook.finished">): Fact {
  const why = event.reason ?? "no reason was given";
  const failed = event.on_error === "warn" ? `failed, which is only a warning: ${why}` : `failed: ${why}`;
  return aboutOf(event, `hook ${event.hook} ${event.succeeded ? "succeeded" : failed}`);
}

/** A fact about a wave or a batch concerns the whole rollout, like their start and their end. */
function aboutOf(event: EventOf<"hook.finished" | "rollout.asking" | "rollout.answered">, text = ""): Fact {
  const about = subjectOf(event);
  return event.group === undefined ? { about, text } : overall(`${about}: ${text}`);
}

function factsOfPlan({
  name,
  reason,
  who,
  reverts,
  waves,
  skipped: left,
  warnings,
}: EventOf<"rollout.planned">): Fact[] {
  const hosts = new Set<string>();
  let instances = 0;
  for (const { batches } of waves)
    for (const work of batches.flatMap((batch) => batch.hosts)) {
      hosts.add(work.host);
      instances += work.batches.reduce((sum, batch) => sum + batch.instances.length, 0);
    }
  const by = who === undefined ? "" : `, started by ${who}`;
  const why = reason === undefined ? "" : `, reason: ${reason}`;
  return [
    overall(
      `${name}${reverts === undefined ? "" : `, a revert of rollout ${reverts}`}: ${counted(instances, "instance")} on ${counted(hosts.size, "host")} in ${counted(waves.length, "wave")}${by}${why}; times are UTC`,
    ),
    ...warnings.map((warning) => ({ about: subjectOf(warning), text: `warning: ${warning.message}` })),
    ...left.map(skipped),
  ];
}

/** Why a rollout was refused is not here: the command prints it with the diagnostics, on stderr. */
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
