import type { ProgramHealth } from "../page-data.ts";
import { clock, svg } from "./dom.ts";
import { ticks, timeLabel } from "./axis.ts";
import { dragToZoom, tipOn } from "./pointer.ts";
import { eachStep, valueAt, type TimeView } from "./view.ts";

const HEIGHT = 96;
const TOP = 14;
const BOTTOM = HEIGHT - 16;

/** Draws the healthy count of one program and its floor. Returns what draws it again, for another part of the time. */
export function healthChart(cell: HTMLElement, program: ProgramHealth, view: TimeView): () => void {
  tipOn(cell, (x, width) => {
    const atMs = view.at(x, width);
    const { value } = valueAt(program.healthy, atMs);
    return `${clock(view.data.beganAtMs + atMs)}  ${value} of ${program.total} healthy${program.floor > 0 ? `, floor ${program.floor}` : ""}`;
  });
  dragToZoom(cell, view);
  return () => cell.replaceChildren(drawing(program, view, cell.clientWidth));
}

function drawing({ name, total, floor, healthy }: ProgramHealth, view: TimeView, width: number): SVGElement {
  // From 0: on any other scale, a few of a thousand would look like an outage.
  const y = (count: number) => BOTTOM - (count / Math.max(1, total)) * (BOTTOM - TOP);
  const chart = svg("svg", {
    width,
    height: HEIGHT,
    role: "img",
    "aria-label": `Healthy instances of ${name} over time`,
  });
  for (const atMs of ticks(view, width)) {
    const x = view.x(atMs, width);
    chart.append(svg("line", { class: "grid", x1: x, x2: x, y1: TOP, y2: BOTTOM }));
    chart.append(timeLabel(atMs, HEIGHT - 3, view, width));
  }
  let line = "";
  let area = "";
  eachStep(healthy, view, (count, fromMs, toMs) => {
    const from = Math.max(0, view.x(fromMs, width)).toFixed(1);
    const to = Math.min(width, view.x(toMs, width)).toFixed(1);
    const height = y(count).toFixed(1);
    line += `${line === "" ? "M" : "L"}${from} ${height}H${to}`;
    area += `${area === "" ? `M${from} ${BOTTOM}V` : "L"}${area === "" ? height : `${from} ${height}`}H${to}`;
  });
  chart.append(svg("path", { class: "area", d: `${area}V${BOTTOM}Z` }), svg("path", { class: "line", d: line }));
  for (const { atMs, text } of view.data.moments) {
    const x = view.x(atMs, width);
    if (x < 0 || x > width) continue;
    const mark = svg("line", { class: "moment", x1: x, x2: x, y1: TOP - 6, y2: BOTTOM });
    mark.append(svg("title", {}, text));
    chart.append(mark);
  }
  if (floor > 0) {
    const height = y(floor);
    chart.append(svg("line", { class: "floor", x1: 0, x2: width, y1: height, y2: height }));
    chart.append(svg("text", { class: "floor", x: width - 4, y: height - 4, "text-anchor": "end" }, `floor ${floor}`));
  }
  chart.append(
    svg("text", { class: "count", x: 4, y: TOP - 3 }, String(total)),
    svg("text", { class: "count", x: 4, y: BOTTOM - 3 }, "0"),
  );
  return chart;
}
