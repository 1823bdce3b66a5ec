import type { HostName, InstanceName } from "../domain/ids.ts";
import { foldNames } from "../domain/node-set.ts";
import type { Collected } from "./collected.ts";
import { failureRemedy, failureTitle, refusalRemedy, refusalTitle } from "./failure-text.ts";
import { onOneLine, printable } from "../domain/printable.ts";
import { printableLines } from "./printable.ts";

/** A report is read by a person: the ends of more logs than this would bury the rest of it. */
const MOST_LOGS = 10;

/** The failed instances, each with its reason, what to do, and the end of its log. */
export function failedSection(collected: Collected): string[] {
  const failed = collected.failed();
  const lines = failed.flatMap(({ host, instance, code, reason, log_tail, still_drained }, index) => [
    `  ${printable(`${host} ${instance}`)}: ${failureTitle(code)}`,
    `    ${onOneLine(reason)}`,
    ...(still_drained ? ["    It is still drained: before_restart ran for it and after_healthy did not."] : []),
    ...(failed[index - 1]?.code === code ? [] : [`    ${failureRemedy(code)}`]),
    ...(index < MOST_LOGS
      ? logLines(log_tail)
      : [`    its log is not shown here: supervisorctl tail ${printable(instance)} stderr`]),
  ]);
  return titled("failed", lines);
}

/** Those whose restart was sent, and of which nothing was seen after that. */
export function unsettledSection(collected: Collected): string[] {
  const { ledger } = collected;
  const lines = (["indeterminate", "under_restart"] as const).flatMap((fate) =>
    [...ledger.withFate(fate)].flatMap(({ host, instances }) =>
      instances.map(
        (instance) =>
          `  ${onOneLine(`${host} ${instance}: ${collected.lossOf(host, instance) ?? "its restart was sent"}`)}`,
      ),
    ),
  );
  return titled(
    "left while under restart",
    lines.length === 0 ? [] : [...lines, `    ${failureRemedy("indeterminate")}`],
  );
}

/** The instances of one fate, folded: hosts with the same instances share a line. */
export function fatesSection({ ledger }: Collected, fate: "untouched" | "healthy"): string[] {
  return titled(fate, foldedLines(ledger.withFate(fate)));
}

/** The instances that were left alone, by the reason for it. */
export function skippedSection(collected: Collected): string[] {
  const hostsByWhy = new Map<string, Map<HostName, InstanceName[]>>();
  for (const { host, instance, why } of collected.skipped()) {
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
export function refusedSection({ finished }: Collected): string[] {
  const refusals = [...(finished?.refusals ?? [])].sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
  const lines = refusals.flatMap(({ code, host, reason }, index) => [
    ...(refusals[index - 1]?.code === code ? [] : [`  ${refusalTitle(code)}`]),
    `    ${host === undefined ? "" : `${printable(host)}: `}${onOneLine(reason)}`,
    ...(refusals[index + 1]?.code === code ? [] : [`    ${refusalRemedy(code)}`]),
  ]);
  return titled("refused because", lines);
}

/** Hooks that failed and are no failure of an instance. */
export function hooksSection({ failedHooks }: Collected): string[] {
  const lines = failedHooks.map(({ hook, host, reason }) => {
    const where = host === undefined ? "" : ` on ${printable(host)}`;
    return `  ${hook}${where}: ${onOneLine(reason ?? "no reason was given")}`;
  });
  return titled("failed hooks", lines);
}

/** What the operator does next. */
export function howToGoOn({ id, finished, ledger }: Collected, plan: string | undefined): string[] {
  const outcome = finished?.outcome;
  if (outcome === "succeeded") return [];
  const command = plan === undefined ? "run the same plan again" : `run it again: orchestrate ${quoted(plan)}`;
  const first = {
    refused: "mend that, then ",
    halted: "mend the cause, then ",
    incomplete: "mend the causes, then ",
    interrupted: "",
  };
  const healthy = ledger.counts.healthy;
  const cost =
    healthy === 0
      ? []
      : [
          `  That restarts all of the plan's instances, the ${healthy} healthy ${healthy === 1 ? "one" : "ones"} as well.`,
          ...onlyTheRest(id, plan),
        ];
  return titled("how to go on", [`  ${outcome === undefined ? "" : first[outcome]}${command}`, ...cost]);
}

/** What was restarted since the rollout began has an uptime that tells so: no journal is needed for it. */
function onlyTheRest(id: string | undefined, plan: string | undefined): string[] {
  const [, date, hours, minutes, seconds] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z/.exec(id ?? "") ?? [];
  if (date === undefined || plan === undefined) return [];
  const began = `${date.replace(/(....)(..)(..)/, "$1-$2-$3")}T${hours}:${minutes}:${seconds}Z`;
  return [`  Only what was not restarted yet: orchestrate ${quoted(plan)} --started-before ${began}`];
}

function logLines(logTail: string): string[] {
  const lines = printableLines(logTail);
  return lines.length === 0
    ? ["    its stderr log is empty"]
    : ["    the end of its stderr log:", ...lines.map((line) => `      | ${line}`.trimEnd())];
}

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

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

/** As a shell takes it back, where the name needs that. */
function quoted(path: string): string {
  return /^[\w./@:+,=-]+$/.test(path) ? path : `'${printable(path).replaceAll("'", `'\\''`)}'`;
}
