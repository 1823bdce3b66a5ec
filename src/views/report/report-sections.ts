import { doneWord } from "../words/done-word.ts";
import type { EventOf } from "../../domain/events.ts";
import type { Refusal } from "../../domain/failures.ts";
import { folded, foldedPlaces, groupedBy } from "../../domain/folding.ts";
import { LEFT_AS } from "../../domain/rollout.ts";
import { foldNames } from "../../domain/node-set.ts";
import { addressOf } from "../../domain/address.ts";
import { quoteWord } from "../../domain/shell-quotes.ts";
import { releasesAfter, type Release } from "../model/releases.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { driftText, supervisorRestartText } from "../words/drift-text.ts";
import { failureRemedy, failureTitle, refusalRemedy, refusalTitle } from "../words/failure-text.ts";
import { processText } from "../words/leftovers-text.ts";
import { logsOf } from "../words/logs.ts";
import { subjectOf } from "../words/subject.ts";
import { onOneLine, printable } from "../../domain/printable.ts";

/** More logs than this would bury the rest of the report. */
const MOST_LOGS = 10;

/** The failed instances, each with its reason, what to do, and the end of its log. */
export function failedSection(model: RolloutModel): string[] {
  const failed = model.failed();
  const lines = failed.flatMap((failure, index) => {
    const remedy = failureRemedy(failure);
    const before = failed[index - 1];
    return [
      `  ${printable(`${failure.host} ${failure.instance}`)}: ${failureTitle(failure.code)}`,
      `    ${onOneLine(failure.reason)}`,
      ...(failure.still_drained
        ? ["    It is still drained: before_restart ran for it and after_healthy did not."]
        : []),
      ...(before && failureRemedy(before) === remedy ? [] : [`    ${remedy}`]),
      ...(index < MOST_LOGS ? logLines(failure) : [`    its log is not shown here: ${tailCommand(failure)}`]),
    ];
  });
  return titled("failed", lines);
}

/** Instances whose restart was sent, and that were not seen after it. */
export function midRestartSection(model: RolloutModel): string[] {
  const { instances, incidents } = model;
  if (isRunning(model)) {
    const inProgress = [...instances.withStatus("under_restart"), ...instances.withStatus("indeterminate")];
    return titled("in progress", indented(foldedPlaces(inProgress)));
  }
  const lines = (["indeterminate", "under_restart"] as const).flatMap((status) =>
    instances
      .withStatus(status)
      .map(
        ({ host, instance }) =>
          `  ${onOneLine(`${host} ${instance}: ${incidents.lossOf(host, instance) ?? "its restart was sent"}`)}`,
      ),
  );
  return titled("abandoned mid-restart", withRemedy(lines, failureRemedy({ code: "indeterminate" })));
}

/** The instances of one status, folded: hosts with the same instances share a line. */
export function statusSection({ instances, planned }: RolloutModel, status: "untouched" | "healthy"): string[] {
  return titled(
    status === "healthy" ? doneWord(planned) : status,
    indented(foldedPlaces(instances.withStatus(status))),
  );
}

/** What a resume that was narrowed, or a revert, left out: the next resume has it to do. */
export function leftOpenSection({ planned }: RolloutModel): string[] {
  const left = planned?.left_open ?? [];
  const isRevert = planned?.reverts !== undefined;
  const lines = LEFT_AS.flatMap((as) =>
    foldedPlaces(
      left
        .filter((one) => one.as === as)
        .flatMap(({ host, instances }) => instances.map((instance) => ({ host, instance }))),
    ).map((line) => (isRevert && as === "untouched" ? `  ${line}` : `  ${as}: ${line}`)),
  );
  return titled(isRevert ? "not reverted" : "not in this resume", lines);
}

const RELEASE_TITLES: Readonly<Record<Release, string>> = {
  old: "old (reverted, or never touched)",
  new: "new (not reverted)",
  unknown: "unknown (look at them on their hosts)",
};

/** After a revert: which release every host is on. */
export function releasesSection(model: RolloutModel): string[] {
  const releases = releasesAfter(model);
  if (!releases) return [];
  const mixed = new Set([...(releases.get("new") ?? []), ...(releases.get("unknown") ?? [])].map(({ host }) => host));
  const lines = [...releases].flatMap(([release, serving]) => {
    const whole = folded([...new Set(serving.map(({ host }) => host).filter((host) => !mixed.has(host)))]);
    const parts = serving.filter(({ host, instance }) => mixed.has(host) && instance !== undefined);
    return [...(whole === "" ? [] : [whole]), ...foldedPlaces(parts)].map(
      (line) => `  ${RELEASE_TITLES[release]}: ${line}`,
    );
  });
  return titled("every host after the revert", lines);
}

/** The skipped instances, by reason. */
export function skippedSection(model: RolloutModel): string[] {
  const lines = groupedBy(model.skipped(), ({ why }) => why).flatMap((alike) =>
    foldedPlaces(alike).map((line) => `  ${line}: ${onOneLine(alike[0]?.why ?? "")}`),
  );
  return titled("skipped", lines);
}

/** Why nothing was started. Hosts with the same reason are one line, and the same remedy for many is said once. */
export function refusedSection({ finished }: RolloutModel): string[] {
  const keyOf = ({ code, remedy = "" }: Refusal) => `${code} ${remedy}`;
  const refusals = [...(finished?.refusals ?? [])].sort((a, b) =>
    keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0,
  );
  const alike = groupedBy(refusals, (refusal) => JSON.stringify([keyOf(refusal), refusal.reason]));
  const lines = alike.flatMap((some, index) => {
    const [refusal] = some;
    if (!refusal) return [];
    const hosts = some.flatMap(({ host }) => host ?? []);
    const next = alike[index + 1]?.[0];
    return [
      ...(alike[index - 1]?.[0]?.code === refusal.code ? [] : [`  ${refusalTitle(refusal.code)}`]),
      `    ${hosts.length === 0 ? "" : `${folded(hosts)}: `}${onOneLine(refusal.reason)}`,
      ...(next && keyOf(next) === keyOf(refusal) ? [] : [`    ${onOneLine(refusalRemedy(refusal))}`]),
    ];
  });
  return titled("refused because", lines);
}

/** Failed hooks, but for those of instances. */
export function hooksSection({ incidents }: RolloutModel): string[] {
  const lines = [...incidents.failedHooks.values()].map(
    (event) => `  ${event.hook}${hookPlace(event)}: ${whyOf(event)}`,
  );
  return titled("failed hooks", lines);
}

/** Hooks that failed, whose failure is only a warning to the plan: those of instances as well. */
export function warnedHooksSection({ incidents }: RolloutModel): string[] {
  const kinds = groupedBy(incidents.warnedHooks.values(), (event) =>
    [event.hook, event.wave, event.batch, whyOf(event)].join(" "),
  );
  const lines = kinds.flatMap((alike) => {
    const [event] = alike;
    if (!event) return [];
    const places = event.host === undefined ? [hookPlace(event)] : foldedPlaces(alike).map((place) => ` on ${place}`);
    return places.map((place) => `  ${event.hook}${place}: ${whyOf(event)}`);
  });
  return titled("hooks that failed, which is only a warning", lines);
}

function hookPlace(event: EventOf<"hook.finished">): string {
  const about = subjectOf(event);
  if (about === "") return "";
  return ` ${event.group === undefined ? "on" : "of"} ${printable(about)}`;
}

function whyOf({ reason = "no reason was given" }: EventOf<"hook.finished">): string {
  return onOneLine(reason);
}

/** What has changed since the preview, not by this rollout. */
export function driftSection({ hosts, incidents }: RolloutModel): string[] {
  const restarts = [...hosts.supervisorRestarts.values()].map(
    (event) => `  ${printable(event.host)}: ${supervisorRestartText(event)}`,
  );
  const lines = [...incidents.drifts.values()].map(
    (event) => `  ${printable(`${event.host} ${event.instance}`)}: ${driftText(event)}`,
  );
  return titled("changed since the preview", [...restarts, ...lines]);
}

/** Configuration on disk that no instance runs with, unless it was loaded since. */
export function notLoadedSection({ planned }: RolloutModel): string[] {
  const notLoaded = (planned?.warnings ?? []).filter(({ kind }) => kind === "not_loaded");
  const lines = groupedBy(notLoaded, ({ message }) => message).map((alike) => {
    const hosts = foldNames(alike.flatMap(({ host }) => host ?? []));
    return `  ${printable(hosts.join(", "))}: ${onOneLine(alike[0]?.message ?? "")}`;
  });
  return titled("configuration that was not loaded", lines);
}

/** Processes that outlived the instances that they belonged to. */
export function leftoversSection({ incidents }: RolloutModel): string[] {
  const lines = [...incidents.leftovers.values()].flatMap(({ host, instance, processes }) => [
    `  ${printable(`${host} ${instance}`)}`,
    ...processes.map((process) => `    ${onOneLine(processText(process))}`),
  ]);
  const remedy =
    "If they are no longer needed, end them with `kill`; stopasgroup=true and killasgroup=true prevent them.";
  return titled("left behind by old instances", withRemedy(lines, remedy));
}

/** Hosts that did not answer at the end, or were left out because they did not. */
export function unreachableSection({ hosts }: RolloutModel): string[] {
  const lines = [...hosts.unreachable].map(([host, reason]) => `  ${printable(host)}: ${onOneLine(reason)}`);
  return titled("unreachable", lines);
}

/** Instances, hosts, batches and waves that one hook of the plan took out of service, and the other did not put back. */
export function drainedSection(model: RolloutModel): string[] {
  const { drains, finished } = model;
  // It puts them back itself.
  if (isRunning(model)) return [];
  const resume = finished?.outcome !== "succeeded" ? "; --resume does that too" : "";
  const ofGroup = resume === "" ? "" : `${resume}, if it has hosts of the group to restart`;
  return titled("still drained", [
    ...withRemedy(
      indented(foldedPlaces([...drains.instances.values()])),
      `before_restart ran for them and after_healthy did not: put them back into service by hand once they are healthy${resume}.`,
    ),
    ...withRemedy(
      drains.hosts.size === 0 ? [] : [`  ${folded([...drains.hosts])}`],
      "before_host ran there and after_host did not: run it by hand once all is healthy there.",
    ),
    ...withRemedy(
      drainedLines(drains.batches),
      `before_batch ran for them and after_batch did not succeed: put them back into service by hand once they are healthy${ofGroup}.`,
    ),
    ...withRemedy(
      drainedLines(drains.waves),
      `before_wave ran for them and after_wave did not succeed: put them back into service by hand once they are healthy${ofGroup}.`,
    ),
  ]);
}

/** `web: web-[1-3]`, for each group. */
function drainedLines(drained: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...drained].map(([group, hosts]) => `  ${printable(group)}: ${folded([...hosts])}`);
}

/** Whether its process still works on it: nothing of it is for the operator to repair. */
export function isRunning({ finished, writer }: RolloutModel): boolean {
  return finished === undefined && writer?.state === "running";
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function withRemedy(lines: readonly string[], remedy: string): string[] {
  return lines.length === 0 ? [] : [...lines, `    ${remedy}`];
}

function logLines(failure: Failed): string[] {
  return logsOf(failure).flatMap(({ title, lines }) =>
    title === undefined
      ? lines.map((line) => `    ${line}`)
      : [`    ${title}:`, ...lines.map((line) => `      | ${line}`.trimEnd())],
  );
}

function tailCommand({ instance, log = "stderr" }: Failed): string {
  return `supervisorctl tail ${printable(quoteWord(addressOf(instance)))} ${log}`;
}

type Failed = ReturnType<RolloutModel["failed"]>[number];

/** A section of the report; none without lines. */
export function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}
