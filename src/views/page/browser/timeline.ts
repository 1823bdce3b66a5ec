import { STATE_WORDS, TRACK_STATES, type HostTrack, type InstanceTrack } from "../page-data.ts";
import { drawAxis } from "./axis.ts";
import { byId, clock, element, inputOf, selectOf, span } from "./dom.ts";
import { drawLanes } from "./lanes.ts";
import { dragToZoom, tipOn } from "./pointer.ts";
import { eachStep, valueAt, type TimeView } from "./view.ts";

/** With more lanes than this, each is low. */
const MOST_TALL_LANES = 320;
const TALL = 9;
const SHORT = 3;

interface Row {
  readonly element: HTMLTableRowElement;
  readonly cell: HTMLElement;
  readonly host: HostTrack;
  inSight: boolean;
  stale: boolean;
}

/** The table of hosts: draws the visible rows, filters, and opens a host into its instances. */
export class Timeline {
  private readonly view: TimeView;
  private readonly rows: Row[] = [];
  private readonly byElement = new Map<Element, Row>();
  private readonly roomy = inputOf("roomy");
  private readonly search = inputOf("host-search");
  private readonly state = selectOf("host-state");
  private readonly axis: HTMLElement | undefined = byId("axis");

  constructor(view: TimeView) {
    this.view = view;
    const seen = new IntersectionObserver((entries) => this.sighted(entries), { rootMargin: "600px" });
    for (const row of document.querySelectorAll<HTMLTableRowElement>("tr[data-host]")) this.addRow(row, seen);
    if (this.roomy) {
      this.roomy.checked = this.rows.reduce((sum, { host }) => sum + host.instances.length, 0) <= MOST_TALL_LANES;
      this.roomy.addEventListener("change", () => this.draw());
    }
    this.search?.addEventListener("input", () => this.filter());
    this.state?.addEventListener("change", () => this.filter());
    for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-zoom]"))
      button.addEventListener("click", () => view.zoom(button.dataset["zoom"] ?? "all"));
    this.filter();
  }

  /** Draws the visible rows again; the others when they become visible. */
  draw(): void {
    if (this.axis) drawAxis(this.axis, this.view, this.width);
    for (const row of this.rows) {
      row.stale = true;
      if (row.inSight) this.drawRow(row);
    }
  }

  private get width(): number {
    return Math.max(50, this.axis?.clientWidth ?? 0);
  }

  private addRow(tr: HTMLTableRowElement, seen: IntersectionObserver): void {
    const host = this.view.data.hosts[Number(tr.dataset["host"])];
    const cell = tr.querySelector<HTMLElement>("td.drawn");
    if (!host || !cell) return;
    const row: Row = { element: tr, cell, host, inSight: false, stale: true };
    this.rows.push(row);
    this.byElement.set(tr, row);
    seen.observe(tr);
    const button = tr.querySelector("button");
    button?.addEventListener("click", () => this.toggle(row, button));
    tipOn(cell, (x, width, y) => this.tip(row, x, width, y));
    dragToZoom(cell, this.view);
  }

  private sighted(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const row = this.byElement.get(target);
      if (!row) continue;
      row.inSight = isIntersecting;
      if (isIntersecting && row.stale) this.drawRow(row);
    }
  }

  private drawRow(row: Row): void {
    row.stale = false;
    row.cell.replaceChildren(drawLanes(row.host, this.view, this.width, this.laneHeight));
  }

  private get laneHeight(): number {
    return this.roomy?.checked ? TALL : SHORT;
  }

  private tip({ host, cell }: Row, x: number, width: number, y: number): string | undefined {
    const drawing = cell.querySelector("svg");
    if (!drawing) return undefined;
    const top = (cell.clientHeight - host.instances.length * this.laneHeight) / 2;
    const index = Math.floor((y - top) / this.laneHeight);
    const instance = host.instances[Math.max(0, Math.min(host.instances.length - 1, index))];
    if (!instance) return undefined;
    const atMs = this.view.at(x, width);
    const { beganAtMs, lengthMs } = this.view.data;
    const { value, fromMs, toMs = lengthMs } = valueAt(instance.states, atMs);
    return `${clock(beganAtMs + atMs)}  ${host.name} ${instance.name}\n${wordsOf(value)}: ${clock(beganAtMs + fromMs)} to ${clock(beganAtMs + toMs)}, ${span(toMs - fromMs)}`;
  }

  /** Shows the hosts that have all the words in their or their instances' names, and an instance that ended in the state. */
  private filter(): void {
    const words = (this.search?.value ?? "")
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const state = TRACK_STATES.findIndex((each) => each === this.state?.value);
    // A host has a row for each of its batches.
    const all = new Set<string>();
    const shown = new Set<string>();
    for (const { element: tr, host } of this.rows) {
      const fits = words.every((word) => isNamed(host, word)) && (state === -1 || endsIn(host, state));
      tr.hidden = !fits;
      const detail = tr.nextElementSibling;
      if (detail instanceof HTMLTableRowElement && detail.classList.contains("opened")) detail.hidden = !fits;
      all.add(host.name);
      if (fits) shown.add(host.name);
    }
    for (const body of document.querySelectorAll<HTMLElement>("table.timeline tbody"))
      body.hidden = body.querySelector("tr[data-host]:not([hidden])") === null;
    const output = byId("hosts-shown");
    if (output)
      output.textContent = `${shown.size === all.size ? "" : `${shown.size} of `}${all.size === 1 ? "1 host" : `${all.size} hosts`}`;
  }

  private toggle({ element: tr, host }: Row, button: HTMLButtonElement): void {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) {
      tr.nextElementSibling?.remove();
      return;
    }
    const row = element("tr", "", "opened");
    const cell = element("td");
    cell.colSpan = 3;
    cell.append(this.instancesTable(host));
    row.append(cell);
    tr.after(row);
  }

  private instancesTable(host: HostTrack): HTMLTableElement {
    const table = element("table", "", "instances");
    table.append(element("caption", `Instances of ${host.name}`));
    const head = table.createTHead().insertRow();
    for (const title of ["Instance", "Pid", "What it did"]) {
      const cell = element("th", title);
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const instance of host.instances) body.append(this.instanceRow(instance));
    return table;
  }

  private instanceRow(instance: InstanceTrack): HTMLTableRowElement {
    const row = element("tr");
    const name = element("th", instance.name);
    name.scope = "row";
    const { previousPid, pid } = instance;
    const pids = [previousPid, pid].filter((each) => each !== undefined).join(" → ");
    const story = element("ol", "", "story");
    const { beganAtMs, lengthMs } = this.view.data;
    const whole = { fromMs: 0, toMs: lengthMs, end: lengthMs };
    eachStep(instance.states, whole, (state, fromMs, toMs) => {
      const step = element("li", "", TRACK_STATES[state] ?? "");
      step.append(`${clock(beganAtMs + fromMs)} `, element("b", TRACK_STATES[state] ?? ""), ` ${span(toMs - fromMs)}`);
      story.append(step);
    });
    const storyCell = element("td");
    storyCell.append(story);
    row.append(name, element("td", pids), storyCell);
    return row;
  }
}

function wordsOf(state: number): string {
  return STATE_WORDS[TRACK_STATES[state] ?? "old"];
}

function isNamed({ name, instances }: HostTrack, word: string): boolean {
  return name.toLowerCase().includes(word) || instances.some((instance) => instance.name.toLowerCase().includes(word));
}

function endsIn({ instances }: HostTrack, state: number): boolean {
  return instances.some(({ states }) => states.at(-1) === state);
}
