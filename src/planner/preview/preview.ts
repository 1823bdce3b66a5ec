import { counted } from "../../domain/counted.ts";
import { formatElapsed } from "../../domain/duration.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { LEFT_AS, sizeOf, worksOf, type HostWork, type PlannedInstance, type Rollout } from "../../domain/rollout.ts";
import { capacityForecasts, type CapacityForecast } from "../build/capacity.ts";
import { enumerated, foldedPlaces, groupedBy, type Place } from "../../domain/folding.ts";
import { leastMs } from "../../domain/least-duration.ts";
import { membersText } from "../build/mixed-groups.ts";
import { hookLine } from "./preview-steps.ts";
import { waveLines } from "./preview-waves.ts";
import { section } from "./preview-words.ts";

/**
 * The rollout as a person reads it before the run: all that is restarted, in its order, how, how long that takes and
 * what it leaves. Written from the very object that a run follows.
 */
export function previewText(rollout: Rollout, fleet: FleetReport): string {
  const { hooks, skipped, warnings, limits, waves } = rollout;
  const lines = [
    headline(rollout),
    ...hookLine("before_rollout", hooks.before_rollout),
    ...waveLines(rollout),
    ...section("at the end", hookLine("after_rollout", hooks.after_rollout)),
    ...section("skipped", reasonLines(skipped.map(({ why, ...place }) => ({ reason: why, place })))),
    ...section("not in this resume", leftOpenLines(rollout)),
    ...section("warnings", reasonLines(warnings.map(({ message, ...place }) => ({ reason: message, place })))),
    ...section(
      "healthy at the lowest, if all goes well",
      capacityForecasts({ waves, floors: limits.floors }, fleet).map(capacityLine),
    ),
    ...(waves.length === 0 ? [] : ["", toleranceLine(rollout), durationLine(rollout)]),
  ];
  return `${lines.join("\n")}\n`;
}

function headline(rollout: Rollout): string {
  const works = [...worksOf(rollout)];
  const name = printable(rollout.name);
  if (works.length === 0) return `${name}: nothing to do: ${counted(rollout.skipped.length, "instance")} skipped`;
  const instances = works.reduce((sum, work) => sum + sizeOf(work), 0);
  const hosts = new Set(works.map(({ host }) => host)).size;
  return `${name}: ${counted(instances, "instance")} on ${counted(hosts, "host")} would be ${done(works)}; nothing was changed`;
}

function done(works: readonly HostWork[]): string {
  const instances = works.flatMap(({ batches }) => batches.flatMap((batch) => batch.instances));
  const howMany = (isOne: (instance: PlannedInstance) => boolean) => instances.filter(isOne).length;
  const starts = howMany(({ action }) => action === "start");
  if (starts === instances.length) return "started";
  const others = [
    { number: starts, words: "started" },
    { number: howMany(({ action, failed_as }) => action === "restart" && failed_as !== undefined), words: "again" },
    { number: howMany(({ action }) => action === "gate"), words: "only checked" },
  ].filter(({ number }) => number > 0);
  const named = others.map(({ number, words }) => `${number} ${words}`);
  return named.length === 0 ? "restarted" : `restarted, of them ${enumerated(named)}`;
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
  const now = healthy === total ? "" : `, ${healthy} are now`;
  const together = members ? `, of ${membersText(members)} together` : "";
  const atLeast = floor === undefined ? "" : `; the floor is ${floor}${together}`;
  return printable(`${program}: ${lowest} of ${total}${now}${atLeast}`);
}

function toleranceLine({ limits: { max_failures, max_unreachable }, on_failure }: Rollout): string {
  const asks = on_failure === "ask" ? ", after it has asked" : "";
  if (max_failures === 0 && max_unreachable === 0) return `It halts at the first failure${asks}.`;
  const tolerated = [
    ...(max_failures > 0 ? [counted(max_failures, "failure")] : []),
    ...(max_unreachable > 0 ? [counted(max_unreachable, "unreachable host")] : []),
  ];
  return `It goes on after ${tolerated.join(" and ")}; one more halts it${asks}.`;
}

function durationLine(rollout: Rollout): string {
  const asks = rollout.waves.slice(0, -1).filter(({ pause }) => pause === "ask").length;
  const answers = asks === 0 ? "" : `, your ${asks === 1 ? "answer" : "answers"}`;
  const stops = rollout.startsecs ? "stop" : "stop and start";
  return `It takes at least ${formatElapsed(leastMs(rollout))}${answers}, and the time that the programs take to ${stops}.`;
}
