import { formatDuration } from "../../domain/duration.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { HostWork, Wave } from "../../domain/rollout.ts";
import { checkText, type Hook, type RunsOn } from "../../domain/settings.ts";
import { folded, groupedBy } from "../../domain/folding.ts";

/** What a wave does to each instance and around it, once for all hosts with the same settings. */
export function stepLines({ batches }: Wave): string[] {
  const works = batches.flatMap(({ hosts }) => hosts);
  const alike = groupedBy(works, ({ timings, checks, hooks }) => JSON.stringify([timings, checks, hooks]));
  return alike.flatMap((some) => {
    const [work] = some;
    if (!work) return [];
    const whose = alike.length === 1 ? "" : `on ${folded(some.map(({ host }) => host))} `;
    const rests = some.some((one) => one.batches.length > 1 || one.batches.some(hasNext));
    return [`  ${whose}each: ${restartText(work, rests)}`, ...aroundLines(work).map((line) => `    ${line}`)];
  });
}

function hasNext({ at_once, instances }: HostWork["batches"][number]): boolean {
  return at_once < instances.length;
}

function restartText({ timings: { min_healthy_time_ms, between_restarts_ms } }: HostWork, rests: boolean): string {
  const healthy = `restart, healthy after ${formatDuration(min_healthy_time_ms)} RUNNING on one pid`;
  const rest =
    rests && between_restarts_ms > 0
      ? `; ${formatDuration(between_restarts_ms)} pause before the next on its host`
      : "";
  return healthy + rest;
}

/** Hooks and checks in the order in which they run. */
function aroundLines({ hooks, checks }: HostWork): string[] {
  const { before_host, before_restart, after_healthy, after_host } = hooks;
  return [
    ...hookLine("before_host", before_host),
    ...hookLine("before_restart", before_restart),
    ...checks.map((check) => `check ${placeText("from", check.from)}: ${onOneLine(checkText(check))}`),
    ...hookLine("after_healthy", after_healthy),
    ...hookLine("after_host", after_host),
  ];
}

/** `before_restart on the host: /opt/lb drain {process}`; nothing for a hook that the plan does not have. */
export function hookLine(name: string, hook: Hook | undefined): string[] {
  return hook ? [`${name} ${placeText("on", hook.run)}: ${onOneLine(hook.command)}`] : [];
}

function placeText(preposition: "on" | "from", place: RunsOn): string {
  return `${preposition} the ${place}`;
}
