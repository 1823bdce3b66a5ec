import { createHash } from "node:crypto";
import type { RecordedEvent } from "../../domain/events.ts";
import type { Writer } from "../../domain/writer.ts";
import { printable } from "../../domain/printable.ts";
import { PageHistory } from "./page-history.ts";
import { eventsMarkup, healthMarkup, timelineMarkup } from "./drawings-markup.ts";
import type { Invocation } from "../report/next-steps.ts";
import { html, json, Markup } from "./markup.ts";
import { pageAssets } from "./assets.ts";
import { planMarkup } from "./plan-markup.ts";
import { countsMarkup, headerMarkup, revertedMarkup, troubleMarkup } from "./summary-markup.ts";

/** A rollout as one self-contained page of HTML. */
export interface Page {
  apply(event: RecordedEvent): void;
  /** The page of the events so far. */
  html(): string;
  /** What the page of its revert shows of it. */
  part(): Markup;
}

/**
 * @param writer of a journal that has no end: all that is known of the process that writes it
 * @param before the page of the rollout that this one reverts: it becomes a part of this one
 */
export function createPage(invocation: Invocation = {}, writer?: Writer, before?: Page): Page {
  const history = new PageHistory();
  history.model.writer = writer;
  return {
    apply: (event) => history.apply(event),
    html: () => pageOf(history, invocation, before?.part()),
    part: () => revertedMarkup(history.model, history.data()),
  };
}

function pageOf(history: PageHistory, invocation: Invocation, before: Markup | undefined): string {
  const { model } = history;
  const { planned, id } = model;
  const data = history.data();
  const { script, style } = pageAssets();
  // Nothing is fetched, and only this script runs: not one that came with text of a host.
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const title = printable(`${model.finished?.outcome ?? "rollout"}: ${planned?.name ?? "rollout"} ${id ?? ""}`);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="orchestrate" />
        <title>${title}</title>
        ${element("style", style)}
      </head>
      <body>
        <main>
          ${before} ${headerMarkup(model, data.beganAtMs, data.lengthMs)} ${countsMarkup(model)}
          ${troubleMarkup(model, invocation)} ${healthMarkup(data)} ${planned && timelineMarkup(planned, data.hosts)}
          ${eventsMarkup()} ${planned && planMarkup(planned)}
        </main>
        <div id="tip" role="tooltip" hidden></div>
        ${element('script type="application/json" id="data"', json(data))} ${element("script", script)}
      </body>
    </html> `.text;
}

/** An element with raw text: its hash is of exactly this text, so nothing may come between. */
function element(start: string, text: string): Markup {
  return new Markup(`<${start}>${text}</${start.split(" ")[0]}>`);
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
