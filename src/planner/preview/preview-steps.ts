import { actionSteps } from "../../domain/action-steps.ts";
import { alikeParts } from "../../domain/alike-parts.ts";
import { formatDuration } from "../../domain/duration.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { HostName } from "../../domain/ids.ts";
import type { HostWork, Timings, Wave } from "../../domain/rollout.ts";
import { checkText, hookTermsText, type Hook, type RunsOn } from "../../domain/settings.ts";
import { folded, groupedBy } from "../../domain/folding.ts";

/** What a wave does: around it and its batches, and to each instance. */
export function stepLines(wave: Wave): string[] {
  return [...waveHookLines(wave), ...hostLines(wave)];
}

/** The hooks around the wave and around each of its batches, and which other hosts they put back. */
export function waveHookLines({
  hooks = {},
  left_drained = [],
  batches,
}: Pick<Wave, "hooks" | "left_drained" | "batches">): string[] {
  const left = batches.flatMap((batch) => batch.left_drained ?? []);
  const ofWave = [
    ...hookLine("before_wave", hooks.before_wave),
    ...afterLines("after_wave", hooks.after_wave, left_drained),
  ];
  const ofBatch = [
    ...hookLine("before_batch", hooks.before_batch),
    ...afterLines("after_batch", hooks.after_batch, left),
  ];
  return [
    ...(ofWave.length > 0 ? ["  around the wave:", ...ofWave.map((line) => `    ${line}`)] : []),
    ...(ofBatch.length > 0 ? ["  around each batch:", ...ofBatch.map((line) => `    ${line}`)] : []),
  ];
}

function afterLines(name: string, hook: Hook | undefined, left: readonly HostName[]): string[] {
  const also = left.length === 0 ? [] : [`  also for ${folded(left)}, which an earlier rollout left drained`];
  return [...hookLine(name, hook), ...also];
}

/**
 * What a wave does to each instance and around it, once for all hosts with the same settings. Where programs have
 * settings of their own, once for each of them, and the hooks of a host come first.
 */
function hostLines({ batches }: Wave): string[] {
  const works = batches.flatMap(({ hosts }) => hosts);
  const isByProgram = works.some((work) => work.batches.some(({ settings }) => settings));
  const byHost = new Map(works.map((work) => [work.host, work]));
  const othersOf = (part: HostWork) => (isByProgram ? differencesText(part, byHost.get(part.host) ?? part) : "");
  const kinds = alikeParts(works, (part) => [part.timings, part.checks, part.hooks, othersOf(part)]);
  const steps = kinds.flatMap(({ parts, programs, hosts }) => {
    const [part] = parts;
    const where = hosts === undefined ? "" : `on ${hosts} `;
    const actions = actionSteps(parts);
    const rests = parts.some(hasNext) || works.some((work) => work.batches.length > 1);
    const others = othersOf(part);
    const around = [...(others === "" ? [] : [`with ${onOneLine(others)}`]), ...aroundLines(part, !isByProgram)];
    const heads = actions.map(({ text, programs: some }) => {
      const whose = actions.length > 1 ? folded(some) : programs;
      return `  ${where}${whose === undefined ? "" : `${whose} `}each: ${text}${restText(part, rests)}`;
    });
    return [...heads, ...around.map((line) => `    ${line}`)];
  });
  return isByProgram ? [...hostHookLines(works), ...steps] : steps;
}

function hasNext({ batches }: HostWork): boolean {
  return batches.some(({ at_once, instances }) => at_once < instances.length);
}

function restText({ timings: { between_restarts_ms } }: HostWork, rests: boolean): string {
  return rests && between_restarts_ms > 0
    ? `; ${formatDuration(between_restarts_ms)} pause before the next on its host`
    : "";
}

/** Hooks and checks in the order in which they run. */
export function aroundLines({ hooks, checks }: Pick<HostWork, "hooks" | "checks">, withHostHooks: boolean): string[] {
  const { before_host, before_restart, after_healthy, after_host } = hooks;
  return [
    ...(withHostHooks ? hookLine("before_host", before_host) : []),
    ...hookLine("before_restart", before_restart),
    ...checks.map((check) => `check ${placeText("from", check.from)}: ${onOneLine(checkText(check))}`),
    ...hookLine("after_healthy", after_healthy),
    ...(withHostHooks ? hookLine("after_host", after_host) : []),
  ];
}

/** Hooks around whole hosts, once for all hosts with the same. */
export function hostHookLines(works: readonly Pick<HostWork, "host" | "hooks">[]): string[] {
  const linesOf = ({ hooks: { before_host, after_host } }: Pick<HostWork, "hooks">) => [
    ...hookLine("before_host", before_host),
    ...hookLine("after_host", after_host),
  ];
  const kinds = groupedBy(works, (work) => linesOf(work).join("\n"));
  return kinds.flatMap((some) => {
    const lines = some[0] ? linesOf(some[0]) : [];
    if (lines.length === 0) return [];
    const whose = kinds.length === 1 ? "each host" : folded(some.map(({ host }) => host));
    return [`  around ${whose}:`, ...lines.map((line) => `    ${line}`)];
  });
}

/** What a program has in place of its host's settings, as far as the other lines do not say it. */
function differencesText(part: HostWork, ofHost: HostWork): string {
  const textsOf = ({ timings, vars, leftovers = "ignore", on_expected_exit = "fail" }: HostWork) => [
    ...TIMINGS_SAID.map((key) => `${key.replace(/_ms$/, "")}: ${formatDuration(timings[key])}`),
    `leftovers: ${leftovers}`,
    `on_expected_exit: ${on_expected_exit}`,
    ...Object.entries(vars).map(([name, value]) => `vars.${name}: ${value}`),
  ];
  const known = new Set(textsOf(ofHost));
  return textsOf(part)
    .filter((text) => !known.has(text))
    .join(", ");
}

const TIMINGS_SAID: readonly (keyof Timings)[] = [
  "between_checks_ms",
  "stop_deadline_ms",
  "healthy_deadline_ms",
  "command_timeout_ms",
  "progress_deadline_ms",
];

/** `before_restart on the host: /opt/lb drain {process}`; nothing for a hook that the plan does not have. */
export function hookLine(name: string, hook: Hook | undefined): string[] {
  return hook ? [`${name} ${placeText("on", hook.run)}: ${onOneLine(hook.command)}${hookTermsText(hook)}`] : [];
}

function placeText(preposition: "on" | "from", place: RunsOn): string {
  return `${preposition} the ${place}`;
}
