import { counted } from "../../domain/counted.ts";
import { formatElapsed } from "../../domain/duration.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { LEFT_AS, worksOf, type HostWork, type PlannedInstance, type Rollout } from "../../domain/rollout.ts";
import { capacityForecasts, type CapacityForecast } from "../build/capacity.ts";
import { enumerated, folded, foldedPlaces, groupedBy, type Place } from "../../domain/folding.ts";
import { leastMs } from "../../domain/least-duration.ts";
import { membersText } from "../build/mixed-groups.ts";
import { hookLine } from "./preview-steps.ts";
import { waveLines } from "./preview-waves.ts";
import { section } from "./preview-words.ts";

/**
 * The rollout as a person reads it before the run: everything that is restarted, in order, how it is done, how long it
 * takes and how much stays healthy. Written from the very object that a run follows.
 */
export function previewText(rollout: Rollout, fleet: FleetReport): string {
  const { hooks, skipped, warnings, limits, waves } = rollout;
  const lines = [
    headline(rollout),
    ...hookLine("before_rollout", hooks.before_rollout),
    ...waveLines(rollout),
    ...section("at the end", hookLine("after_rollout", hooks.after_rollout)),
    ...section("skipped", reasonLines(skipped.map(({ why, ...place }) => ({ reason: why, place })))),
    ...section(rollout.reverts === undefined ? "not in this resume" : "not reverted", leftOpenLines(rollout)),
    ...section("warnings", reasonLines(warnings.map(({ message, ...place }) => ({ reason: message, place })))),
    ...section(
      "fewest healthy at any moment, if nothing fails",
      capacityForecasts({ waves, floors: limits.floors }, fleet).map(capacityLine),
    ),
    ...(waves.length === 0 ? [] : ["", toleranceLine(rollout), durationLine(rollout)]),
    ...rereadLines(fleet),
  ];
  return `${lines.join("\n")}\n`;
}

function headline(rollout: Rollout): string {
  const works = [...worksOf(rollout)];
  const name = printable(rollout.name);
  if (works.length === 0) return `${name}: nothing to do: ${counted(rollout.skipped.length, "instance")} skipped`;
  const hosts = new Set(works.map(({ host }) => host)).size;
  const [first = { number: 0, done: "restarted" }, ...others] = actionsOf(works, rollout);
  const why = rollout.reverts === undefined ? "" : ` to revert rollout ${rollout.reverts}`;
  const done = enumerated([first.done, ...others.map(({ number, done }) => `${number} ${done}`)]);
  return `${name}: ${counted(first.number, "instance")} on ${counted(hosts, "host")} would be ${done}${why}; nothing was changed`;
}

/** How many instances get each action, where any does: `restarted (2 of them again)`, `stopped`, `only checked`. */
function actionsOf(
  works: readonly HostWork[],
  { reverts, resumes }: Rollout,
): { readonly number: number; readonly done: string }[] {
  const instances = works.flatMap(({ batches }) => batches.flatMap((batch) => batch.instances));
  const howMany = (isOne: (instance: PlannedInstance) => boolean) => instances.filter(isOne).length;
  const signals = [...new Set(instances.flatMap(({ signal = [] }) => signal))];
  // A revert restarts all of them again.
  const isAgain = reverts === undefined || resumes !== undefined;
  const again = howMany(({ action, failed_as }) => isAgain && action === "restart" && failed_as !== undefined);
  return [
    {
      number: howMany(({ action }) => action === "restart"),
      done: again === 0 ? "restarted" : `restarted (${again} of them again)`,
    },
    { number: howMany(({ action }) => action === "start"), done: "started" },
    ...signals.map((signal) => ({
      number: howMany((one) => one.action === "signal" && one.signal === signal),
      done: `signalled ${signal}`,
    })),
    { number: howMany(({ action }) => action === "stop"), done: "stopped" },
    { number: howMany(({ action, is_new }) => action === "update" && !is_new), done: "updated with their group" },
    { number: howMany(({ is_new }) => is_new === true), done: "added" },
    { number: howMany(({ action }) => action === "remove"), done: "removed" },
    { number: howMany(({ action }) => action === "gate"), done: "only checked" },
  ].filter(({ number }) => number > 0);
}

/** Reasons with all places that they are about. */
function reasonLines(reasons: readonly { readonly reason: string; readonly place: Place }[]): string[] {
  return groupedBy(reasons, ({ reason }) => reason).flatMap((some) => {
    const reason = onOneLine(some[0]?.reason ?? "");
    return foldedPlaces(some.map(({ place }) => place)).map((places) =>
      places === "" ? reason : `${places}: ${reason}`,
    );
  });
}

/** `failed: web-02 web:web_01`. */
function leftOpenLines({ left_open = [] }: Rollout): string[] {
  return LEFT_AS.flatMap((as) => {
    const places = left_open
      .filter((left) => left.as === as)
      .flatMap(({ host, instances }) => instances.map((instance) => ({ host, instance })));
    return foldedPlaces(places).map((place) => `${as}: ${place}`);
  });
}

function capacityLine({ program, total, healthy, lowest, floor, members }: CapacityForecast): string {
  const now = healthy === total ? "" : `, now ${healthy}`;
  const together = members ? ` of ${membersText(members)} together` : "";
  const atLeast = floor === undefined ? "" : ` (min_healthy: ${floor}${together})`;
  return printable(`${program}: ${lowest} of ${total}${now}${atLeast}`);
}

/** A preview that asks for that must say so: it is more than a look. */
function rereadLines(fleet: FleetReport): string[] {
  const asked = [...fleet.values()].flatMap((report) => ("reread" in report ? [report.host] : []));
  if (asked.length === 0) return [];
  return [
    "",
    `supervisorctl reread was run on ${folded(asked)}: it compares the configuration, and changes nothing that runs.`,
  ];
}

function toleranceLine({ limits, on_failure, reverts }: Rollout): string {
  const { max_failures } = limits;
  // What a revert cannot reach is named, and never halts it.
  const max_unreachable = reverts === undefined ? limits.max_unreachable : 0;
  const asks = on_failure === "ask" ? ", after it has asked" : "";
  const then = on_failure === "revert" ? " What it has restarted is then reverted." : "";
  if (max_failures === 0 && max_unreachable === 0) return `It halts at the first failure${asks}.${then}`;
  const tolerated = [
    ...(max_failures > 0 ? [counted(max_failures, "failure")] : []),
    ...(max_unreachable > 0 ? [counted(max_unreachable, "unreachable host")] : []),
  ];
  return `It continues after ${tolerated.join(" and ")}; one more halts it${asks}.${then}`;
}

function durationLine(rollout: Rollout): string {
  const asks = rollout.waves.slice(0, -1).filter(({ pause }) => pause === "ask").length;
  const answers = asks === 0 ? "" : `your ${asks === 1 ? "answer" : "answers"} and `;
  const stops = rollout.startsecs ? "stop" : "stop and start";
  return `It takes at least ${formatElapsed(leastMs(rollout))}, plus ${answers}the time to ${stops} each program.`;
}
