import { actionText, type PlanAction } from "../../domain/action.ts";
import { counted } from "../../domain/counted.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { formatQuantity } from "../../domain/quantity.ts";
import type { HostName } from "../../domain/ids.ts";
import { inBatches, type HostBatch } from "../build/host-batches.ts";
import { folded, foldedInOrder, groupedBy } from "../../domain/folding.ts";
import { warningOfPlan } from "../build/warnings.ts";
import type { Plan, PlanWave, ProgramRule } from "../plan/plan.ts";
import { namesAllOf } from "../../domain/selector.ts";
import { aroundLines, hostHookLines, waveHookLines } from "./preview-steps.ts";
import { batchesTitle, betweenBatches, pauseLines, section, slidingTitle } from "./preview-words.ts";

/** A plan by itself, without a look at the fleet: hosts and batches, no instances. */
export interface OfflinePlan {
  readonly name: string;
  readonly plan_file: string;
  readonly waves: readonly OfflineWave[];
  /** Left out where there are none. */
  readonly warnings?: readonly string[];
}

interface OfflineWave {
  readonly group: string;
  readonly programs: readonly string[];
  /** Of programs that have none of their own. Left out where it is `restart`. */
  readonly action?: PlanAction;
  readonly between_batches_ms: number;
  readonly pause?: { readonly ms: number } | "ask";
  readonly batches: readonly HostBatch<HostName>[];
}

/** Plans hosts as if each had something to restart. */
export function planOffline({ name, file, waves, warnings }: Plan): OfflinePlan {
  return {
    name,
    plan_file: file,
    waves: waves.map(({ group, programs, between_batches_ms, pause, batches, hosts }) => ({
      group,
      programs,
      ...(hosts[0] && hosts[0].settings.action !== "restart" && { action: hosts[0].settings.action }),
      between_batches_ms,
      ...(pause !== undefined && { pause }),
      batches: inBatches(
        hosts.map(({ host }) => host),
        batches,
      ),
    })),
    ...(warnings.length > 0 && { warnings: warnings.map(warningOfPlan) }),
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
    ...section("warnings", (offline.warnings ?? []).map(onOneLine)),
    "",
    "A host with nothing to restart leaves its place in a batch to the next; --dry-run without --offline shows instances.",
  ];
  return `${lines.join("\n")}\n`;
}

function waveLines(wave: OfflineWave, plan: PlanWave, index: number, waves: number): string[] {
  const { group, programs, pause, batches } = wave;
  const { hosts } = plan;
  return [
    "",
    `wave ${index + 1} of ${waves}: ${printable(group)}`,
    `  programs: ${programs.map(printable).join(", ")}`,
    ...actionLines(plan),
    ...groupedBy(hosts, ({ settings }) => formatQuantity(settings.instances)).map(instancesLine),
    ...programLines(plan),
    ...waveHookLines({ ...(plan.hooks && { hooks: plan.hooks }), batches: [] }),
    ...hostHookLines(hosts.map(({ host, settings }) => ({ host, hooks: settings.hooks }))),
    ...checkAndHookLines(plan),
    ...betweenBatches(wave),
    ...batchLines(batches),
    ...(index < waves - 1 ? pauseLines(pause) : []),
  ];
}

/** The action, where it is no restart; also those of programs with one of their own. */
function actionLines({ rules = [], hosts: [first] }: PlanWave): string[] {
  if (!first) return [];
  const { action } = first.settings;
  const own = rules.flatMap(([texts = []], index) => {
    const other = first.byRule?.[index]?.action ?? action;
    const isOther = actionText(other) !== actionText(action);
    return isOther ? [`  action of ${printable(texts.join(" "))}: ${actionText(other)}`] : [];
  });
  return [...(action === "restart" ? [] : [`  action: ${actionText(action)}`]), ...own];
}

function instancesLine(hosts: PlanWave["hosts"], _: number, kinds: readonly unknown[]): string {
  const quantity = formatQuantity(hosts[0]?.settings.instances ?? { count: 1 });
  const where = kinds.length === 1 ? "" : ` on ${folded(hosts.map(({ host }) => host))}`;
  return `  instances of a program on one host${where}: ${quantity} at a time`;
}

/** Programs of which other numbers of instances are restarted at once; on hosts that differ, those of the first. */
function programLines({ rules = [], hosts: [first] }: PlanWave): string[] {
  return rules.flatMap(([texts = []], index) => {
    const own = first?.byRule?.[index];
    if (!own || formatQuantity(own.instances) === formatQuantity(first.settings.instances)) return [];
    return [`  instances of ${printable(texts.join(" "))} on one host: ${formatQuantity(own.instances)} at a time`];
  });
}

/** Checks and hooks of instances, once for all programs and hosts that have the same. */
function checkAndHookLines({ rules = [], hosts }: PlanWave): string[] {
  const parts = hosts.flatMap(({ host, settings, byRule = [] }) =>
    rules.length === 0
      ? [{ host, program: "", settings }]
      : rules.map((rule, index) => ({ host, program: ruleText(rule), settings: byRule[index] ?? settings })),
  );
  return groupedBy(parts, ({ settings }) => aroundLines(settings, false).join("\n")).flatMap((alike) => {
    const lines = alike[0] ? aroundLines(alike[0].settings, false) : [];
    if (lines.length === 0) return [];
    const programs = groupedBy(alike, ({ program }) => program).map((some) => ({
      program: some[0]?.program ?? "",
      where: some.length === hosts.length ? "" : ` on ${folded(some.map(({ host }) => host))}`,
    }));
    return groupedBy(programs, ({ where }) => where).flatMap((some) => {
      const names = some.map(({ program }) => printable(program)).join(", ");
      return [
        `  around each instance${names === "" ? "" : ` of ${names}`}${some[0]?.where ?? ""}:`,
        ...lines.map((line) => `    ${line}`),
      ];
    });
  });
}

/** The program of a rule: of two that both name its instances, the narrower one. */
function ruleText(rule: ProgramRule): string {
  const [text = "", under = text] = rule.map(([first = ""]) => first);
  if (namesAllOf(text, under)) return under;
  return namesAllOf(under, text) ? text : `${text} and ${under}`;
}

/** Neighbouring batches of one size share a line, in which the hosts stand in their order. */
function batchLines(batches: readonly HostBatch<HostName>[]): string[] {
  const lines: string[] = [];
  for (let first = 0; first < batches.length;) {
    const { hosts, at_once } = batches[first] ?? { hosts: [], at_once: 1 };
    let end = first + 1;
    while (batches[end]?.hosts.length === hosts.length) end++;
    const names = foldedInOrder(batches.slice(first, end).flatMap((batch) => batch.hosts));
    const title =
      at_once < hosts.length
        ? slidingTitle(hosts.length, at_once)
        : batchesTitle(first + 1, end, batches.length, hosts.length);
    lines.push(title, `    ${names}`);
    first = end;
  }
  return lines;
}
