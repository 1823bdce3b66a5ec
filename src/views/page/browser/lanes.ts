import { TRACK_STATES, type HostTrack, type InstanceTrack, type TrackState } from "../page-data.ts";
import { svg } from "./dom.ts";
import { eachStep, type TimeView } from "./view.ts";

const FAILED = TRACK_STATES.indexOf("failed");

/** Short states are drawn at least this wide, so that they are visible. */
const LEAST_WIDTH = 1.5;

/** The thickness of lines that do not take all of their lane. */
const SHARES: Readonly<Partial<Record<TrackState, number>>> = {
  old: 0.35,
  untouched: 0.35,
  skipped: 0.35,
  down: 0.35,
  waiting: 0.6,
  drained: 0.6,
};

/** Draws a host's instances as lanes, one below the other, of this height each. */
export function drawLanes(
  { instances, lost }: HostTrack,
  view: TimeView,
  width: number,
  laneHeight: number,
): SVGElement {
  const height = Math.max(16, instances.length * laneHeight);
  const top = Math.floor((height - instances.length * laneHeight) / 2);
  const drawing = svg("svg", { width, height, "aria-hidden": "true", class: laneHeight >= 6 ? "lanes tall" : "lanes" });
  for (let index = 0; index + 1 < lost.length; index += 2) {
    const x = view.x(lost[index] ?? 0, width);
    drawing.append(
      svg("rect", { class: "lost", x, y: 0, width: Math.max(1, view.x(lost[index + 1] ?? 0, width) - x), height }),
    );
  }
  for (const [state, path] of pathsOf(instances, view, width, laneHeight, top))
    drawing.append(
      svg("path", { class: TRACK_STATES[state] ?? "", d: path, "stroke-width": strokeOf(state, laneHeight) }),
    );
  for (const [index, { states }] of instances.entries())
    eachStep(states, view, (state, fromMs) => {
      if (state !== FAILED || fromMs < view.fromMs) return;
      const y = top + (index + 0.5) * laneHeight;
      drawing.append(svg("text", { class: "cross", x: view.x(fromMs, width), y: y + 5, "text-anchor": "middle" }, "✗"));
    });
  return drawing;
}

/** One path for each state: a few elements for a host, however much happened on it. */
function pathsOf(
  instances: readonly InstanceTrack[],
  view: TimeView,
  width: number,
  laneHeight: number,
  top: number,
): Map<number, string> {
  const paths = new Map<number, string>();
  for (const [index, { states }] of instances.entries()) {
    const y = top + (index + 0.5) * laneHeight;
    eachStep(states, view, (state, fromMs, toMs) => {
      const from = Math.max(0, view.x(fromMs, width));
      const to = Math.min(width, Math.max(from + LEAST_WIDTH, view.x(toMs, width)));
      paths.set(state, `${paths.get(state) ?? ""}M${from.toFixed(1)} ${y}H${to.toFixed(1)}`);
    });
  }
  return paths;
}

/** States differ in the thickness of the line as well as in colour. */
function strokeOf(state: number, laneHeight: number): number {
  const full = laneHeight >= 6 ? laneHeight - 2 : laneHeight - 1;
  return Math.max(1, Math.round(full * (SHARES[TRACK_STATES[state] ?? "old"] ?? 1)));
}
