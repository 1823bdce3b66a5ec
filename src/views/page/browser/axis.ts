import { clock, svg } from "./dom.ts";
import type { TimeView } from "./view.ts";

const HEIGHT = 30;

/** The least distance of ticks, in pixels: the width of a time and some space. */
const TICK_WIDTH = 84;

const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map(
  (seconds) => seconds * SECOND,
);

/** The times at which lines are drawn. */
export function ticks(view: TimeView, width: number): number[] {
  const least = ((view.toMs - view.fromMs) / width) * TICK_WIDTH;
  const step = STEPS.find((each) => each >= least) ?? STEPS.at(-1) ?? SECOND;
  const { beganAtMs } = view.data;
  const first = Math.ceil((beganAtMs + view.fromMs) / step) * step - beganAtMs;
  const times: number[] = [];
  for (let atMs = first; atMs <= view.toMs; atMs += step) times.push(atMs);
  return times;
}

/** A time below or above its tick; at the edges it is aligned so that it is not cut. */
export function timeLabel(atMs: number, y: number, view: TimeView, width: number): SVGElement {
  const x = view.x(atMs, width);
  const anchor = x < TICK_WIDTH / 3 ? "start" : x > width - TICK_WIDTH / 3 ? "end" : "middle";
  return svg("text", { x, y, "text-anchor": anchor }, clock(view.data.beganAtMs + atMs));
}

export function drawAxis(into: HTMLElement, view: TimeView, width: number): void {
  const drawing = svg("svg", { width, height: HEIGHT, "aria-hidden": "true", class: "axis" });
  for (const atMs of ticks(view, width)) {
    const x = view.x(atMs, width);
    drawing.append(
      svg("line", { x1: x, x2: x, y1: HEIGHT - 8, y2: HEIGHT }),
      timeLabel(atMs, HEIGHT - 12, view, width),
    );
  }
  into.replaceChildren(drawing);
}
