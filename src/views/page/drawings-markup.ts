/** The tables that the page's script draws into. Without the script they still have the results in words. */
import { printable } from "../../domain/printable.ts";
import type { Rollout } from "../../domain/rollout.ts";
import { lowestOf } from "./health.ts";
import { html, type Markup } from "./markup.ts";
import {
  STATE_WORDS,
  TRACK_STATES,
  type HostTrack,
  type InstanceTrack,
  type PageData,
  type ProgramHealth,
  type TrackState,
} from "./page-data.ts";

/** The healthy instances of each program over time, and their lowest number. */
export function healthMarkup({ programs, beganAtMs }: PageData): Markup | undefined {
  if (programs.length === 0) return undefined;
  return html`<section id="health">
    <h2>Healthy instances</h2>
    <p class="faint">Instances outside this rollout are counted as healthy. Drag over a chart to zoom in.</p>
    <table class="health">
      <thead>
        <tr>
          <th scope="col">Program</th>
          <th scope="col">Over time</th>
          <th scope="col">Lowest</th>
        </tr>
      </thead>
      <tbody>
        ${programs.map((program) => healthRow(program, beganAtMs))}
      </tbody>
    </table>
  </section>`;
}

function healthRow(program: ProgramHealth, beganAtMs: number): Markup {
  const { count, atMs } = lowestOf(program);
  const time = new Date(beganAtMs + atMs).toISOString().slice(11, 19);
  const isBelow = count < program.floor;
  return html`<tr>
    <th scope="row">${printable(program.name)}</th>
    <td class="drawn"></td>
    <td class="${isBelow ? "failed" : ""}">
      <b data-lowest="${program.name}">${count}</b> of ${program.total} <small>at ${time}</small>
      <small>${program.floor === 0 ? "no floor" : `${isBelow ? "below its " : ""}floor ${program.floor}`}</small>
    </td>
  </tr>`;
}

/** A row for each host in each of its batches, in the order of the plan. */
export function timelineMarkup({ waves }: Rollout, hosts: readonly HostTrack[]): Markup {
  let index = 0;
  const bodies = waves.flatMap(({ group, batches }, wave) =>
    batches.map((batch, number) => {
      const rows = batch.hosts.map(() => hostRow(hosts[index], index++));
      const place = `Wave ${wave + 1}, ${group}${batches.length > 1 ? `: batch ${number + 1} of ${batches.length}` : ""}`;
      return html`<tbody>
        <tr class="place">
          <th colspan="3" scope="rowgroup">${printable(place)}</th>
        </tr>
        ${rows}
      </tbody>`;
    }),
  );
  const last = new Set(hosts.flatMap(({ instances }) => instances.map(lastStateOf)));
  const occurring = statesIn(hosts);
  return html`<section id="timeline">
    <h2>Timeline</h2>
    <div class="tools">
      <label>Hosts or instances <input type="search" id="host-search" placeholder="web-01" /></label>
      <label
        >Only
        <select id="host-state">
          <option value="">all hosts</option>
          ${[...last].map((state) => html`<option>${state}</option>`)}
        </select>
      </label>
      <span role="group" aria-label="Time shown">
        <button type="button" data-zoom="all">All</button>
        <button type="button" data-zoom="in" aria-label="Zoom in">+</button>
        <button type="button" data-zoom="out" aria-label="Zoom out">−</button>
        <button type="button" data-zoom="earlier" aria-label="Earlier">←</button>
        <button type="button" data-zoom="later" aria-label="Later">→</button>
      </span>
      <label><input type="checkbox" id="roomy" /> Taller rows</label>
      <output id="hosts-shown"></output>
    </div>
    <ul class="legend" aria-label="What the colours mean">
      ${TRACK_STATES.filter((state) => occurring.has(state)).map(
        (state) =>
          html`<li>
            <svg class="swatch" viewBox="0 0 24 10" aria-hidden="true"><path class="${state}" d="M0 5h24" /></svg
            >${STATE_WORDS[state]}
          </li>`,
      )}
    </ul>
    <table class="timeline">
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col" class="drawn">
            <span class="hidden">From first to last event, one line for each instance</span>
            <div id="axis"></div>
          </th>
          <th scope="col">Result</th>
        </tr>
      </thead>
      ${bodies}
    </table>
    <p class="faint">Click a host to see its instances, with times and pids.</p>
  </section>`;
}

function hostRow(host: HostTrack | undefined, index: number): Markup | undefined {
  if (!host) return undefined;
  return html`<tr data-host="${index}">
    <th scope="row"><button type="button" aria-expanded="false">${host.name}</button></th>
    <td class="drawn"></td>
    <td>${resultMarkup(host)}</td>
  </tr>`;
}

/** The last state of each instance, counted: `7 healthy, 1 failed`. */
function resultMarkup({ instances }: HostTrack): Markup[] {
  const counts = new Map<string, number>();
  for (const instance of instances) {
    const state = lastStateOf(instance);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => {
    const sign = state === "failed" ? html`<span aria-hidden="true">✗ </span>` : undefined;
    return html`<span class="${state}">${sign}${count} ${state}</span> `;
  });
}

function lastStateOf({ states }: InstanceTrack): TrackState {
  return TRACK_STATES[states.at(-1) ?? 0] ?? "old";
}

function statesIn(hosts: readonly HostTrack[]): Set<TrackState> {
  const occurring = new Set<TrackState>();
  for (const { states } of hosts.flatMap(({ instances }) => instances))
    for (let index = 1; index < states.length; index += 2) occurring.add(TRACK_STATES[states[index] ?? 0] ?? "old");
  return occurring;
}

/** The events, listed by the page's script. */
export function eventsMarkup(): Markup {
  return html`<section id="events">
    <h2>Events</h2>
    <div class="tools">
      <label>Search <input type="search" id="event-search" placeholder="web-01 FATAL" /></label>
      <label
        >Only
        <select id="event-kind">
          <option value="">all kinds</option>
          <option value="trouble">trouble</option>
          <option value="rollout">rollout, waves, batches</option>
          <option value="host">hosts</option>
          <option value="instance">instances</option>
        </select>
      </label>
      <output id="events-shown" aria-live="polite"></output>
    </div>
    <noscript><p>The charts and the events need the script of this page, which is blocked here.</p></noscript>
    <table class="events">
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">About</th>
          <th scope="col">What happened</th>
        </tr>
      </thead>
      <tbody id="event-rows"></tbody>
    </table>
    <button type="button" id="more-events" hidden>Show more</button>
  </section>`;
}
