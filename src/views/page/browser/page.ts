/** The script of the page: draws the charts into the tables, from the data in the page. */
import type { PageData } from "../page-data.ts";
import { byId } from "./dom.ts";
import { offerCopies } from "./copy.ts";
import { listEvents } from "./events.ts";
import { healthChart } from "./health-chart.ts";
import { Timeline } from "./timeline.ts";
import { TimeView } from "./view.ts";

const data = JSON.parse(byId("data")?.textContent ?? "{}") as PageData;
const view = new TimeView(data);
const timeline = new Timeline(view);
const cells = document.querySelectorAll<HTMLElement>("table.health tbody td.drawn");
const charts = data.programs.flatMap((program, index) => {
  const cell = cells[index];
  return cell ? [healthChart(cell, program, view)] : [];
});

function draw(): void {
  for (const chart of charts) chart();
  timeline.draw();
}

view.changed(draw);
// Charts are drawn for the current width.
let width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  draw();
}).observe(document.body);
listEvents(data);
offerCopies();
draw();
