import type { Refusal } from "../../domain/failures.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import { foldNames } from "../../domain/node-set.ts";
import { LEFT_AS } from "../../domain/rollout.ts";
import { addressOf } from "../../domain/address.ts";
import { quoteWord } from "../../domain/shell-quotes.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { driftText, supervisorRestartText } from "../words/drift-text.ts";
import { failureRemedy, failureTitle, refusalRemedy, refusalTitle } from "../words/failure-text.ts";
import { processText } from "../words/leftovers-text.ts";
import { logsOf } from "../words/logs.ts";
import { onOneLine, printable } from "../../domain/printable.ts";

/** A report is read by a person: the ends of more logs than this would bury the rest of it. */
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

/** Those whose restart was sent, and of which nothing was seen after that. */
export function unsettledSection(model: RolloutModel): string[] {
  const { instances } = model;
  const lines = (["indeterminate", "under_restart"] as const).flatMap((status) =>
    [...instances.withStatus(status)].flatMap(({ host, instances }) =>
      instances.map(
        (instance) =>
          `  ${onOneLine(`${host} ${instance}: ${model.incidents.lossOf(host, instance) ?? "its restart was sent"}`)}`,
      ),
    ),
  );
  return titled("left while under restart", withRemedy(lines, failureRemedy({ code: "indeterminate" })));
}

/** The instances of one status, folded: hosts with the same instances share a line. */
export function statusSection({ instances }: RolloutModel, status: "untouched" | "healthy"): string[] {
  return titled(status, foldedLines(instances.withStatus(status)));
}

/** What a resume was narrowed past: the next one has it to do. */
export function leftOpenSection({ planned }: RolloutModel): string[] {
  const left = planned?.left_open ?? [];
  const lines = LEFT_AS.flatMap((as) =>
    foldedLines(left.filter((one) => one.as === as)).map((line) => `  ${as}: ${line.trimStart()}`),
  );
  return titled("not in this resume", lines);
}

/** The instances that were left alone, by the reason for it. */
export function skippedSection(model: RolloutModel): string[] {
  const hostsByWhy = new Map<string, Map<HostName, InstanceName[]>>();
  for (const { host, instance, why } of model.skipped()) {
    const byHost = entryOf(hostsByWhy, why, () => new Map<HostName, InstanceName[]>());
    entryOf(byHost, host, () => []).push(instance);
  }
  const lines = [...hostsByWhy].flatMap(([why, byHost]) => {
    const entries = [...byHost].map(([host, instances]) => ({ host, instances }));
    return foldedLines(entries).map((line) => `${line}: ${onOneLine(why)}`);
  });
  return titled("skipped", lines);
}

/** Why nothing was begun. The same reason on many hosts has its remedy once. */
export function refusedSection({ finished }: RolloutModel): string[] {
  const keyOf = ({ code, remedy = "" }: Refusal) => `${code} ${remedy}`;
  const refusals = [...(finished?.refusals ?? [])].sort((a, b) =>
    keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0,
  );
  const lines = refusals.flatMap((refusal, index) => {
    const { code, host, reason } = refusal;
    const next = refusals[index + 1];
    return [
      ...(refusals[index - 1]?.code === code ? [] : [`  ${refusalTitle(code)}`]),
      `    ${host === undefined ? "" : `${printable(host)}: `}${onOneLine(reason)}`,
      ...(next && keyOf(next) === keyOf(refusal) ? [] : [`    ${onOneLine(refusalRemedy(refusal))}`]),
    ];
  });
  return titled("refused because", lines);
}

/** Hooks that failed and are no failure of an instance. */
export function hooksSection({ incidents }: RolloutModel): string[] {
  const lines = [...incidents.failedHooks.values()].map(({ hook, host, reason }) => {
    const where = host === undefined ? "" : ` on ${printable(host)}`;
    return `  ${hook}${where}: ${onOneLine(reason ?? "no reason was given")}`;
  });
  return titled("failed hooks", lines);
}

/** What others have changed since the preview. */
export function driftSection({ hosts, incidents }: RolloutModel): string[] {
  const restarts = [...hosts.supervisorRestarts.values()].map(
    (event) => `  ${printable(event.host)}: ${supervisorRestartText(event)}`,
  );
  const lines = [...incidents.drifts.values()].map(
    (event) => `  ${printable(`${event.host} ${event.instance}`)}: ${driftText(event)}`,
  );
  return titled("changed by others", [...restarts, ...lines]);
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

/** Hosts that did not answer at the end, or were left out for it. */
export function unreachableSection({ hosts }: RolloutModel): string[] {
  const lines = [...hosts.unreachable].map(([host, reason]) => `  ${printable(host)}: ${onOneLine(reason)}`);
  return titled("unreachable", lines);
}

/** Out of service by the plan's own hook, and not put back by the other. */
export function drainedSection({ drains, finished }: RolloutModel): string[] {
  const byHost = new Map<HostName, InstanceName[]>();
  for (const { host, instance } of drains.instances.values()) entryOf(byHost, host, () => []).push(instance);
  const instances = foldedLines([...byHost].map(([host, ofHost]) => ({ host, instances: ofHost })));
  const resume = finished?.outcome !== "succeeded" ? "; --resume does that, too" : "";
  return titled("still drained", [
    ...withRemedy(
      instances,
      `before_restart ran for them and after_healthy did not: put them back by hand once they are healthy${resume}.`,
    ),
    ...withRemedy(
      drains.hosts.size === 0 ? [] : [`  ${printable(foldNames([...drains.hosts]).join(" "))}`],
      "before_host ran there and after_host did not: run it by hand once all is healthy there.",
    ),
  ]);
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

function foldedLines(
  entries: Iterable<{ readonly host: HostName; readonly instances: readonly InstanceName[] }>,
): string[] {
  const hostsByInstances = new Map<string, HostName[]>();
  for (const { host, instances } of entries)
    entryOf(hostsByInstances, foldNames(instances).join(" "), () => []).push(host);
  return [...hostsByInstances].map(
    ([instances, hosts]) => `  ${printable(`${foldNames(hosts).join(" ")} ${instances}`)}`,
  );
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, empty: () => Value): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = empty();
  map.set(key, made);
  return made;
}

/** A section of the report; none without lines. */
export function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}
