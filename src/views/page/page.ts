import { createHash } from "node:crypto";
import type { RecordedEvent } from "../../domain/events.ts";
import { printable } from "../../domain/printable.ts";
import { CollectedPicture } from "./page-history.ts";
import { eventsMarkup, healthMarkup, timelineMarkup } from "./drawings-markup.ts";
import type { Called } from "../report/next-steps.ts";
import { html, json, Markup } from "./markup.ts";
import { pageAssets } from "./assets.ts";
import { planMarkup } from "./plan-markup.ts";
import { countsMarkup, headerMarkup, troubleMarkup } from "./summary-markup.ts";

/** A rollout as one page of HTML that needs nothing but itself. */
export interface Picture {
  collect(event: RecordedEvent): void;
  /** The page, of what was collected so far. */
  page(): string;
}

export function createPicture(called: Called = {}): Picture {
  const picture = new CollectedPicture();
  return {
    collect: (event) => picture.collect(event),
    page: () => pageOf(picture, called),
  };
}

function pageOf(picture: CollectedPicture, called: Called): string {
  const { collected } = picture;
  const { planned, id } = collected;
  const data = picture.data();
  const { script, style } = pageAssets();
  // Nothing is fetched, and nothing runs but this very script: not even what a host might have smuggled in.
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const title = printable(`${collected.finished?.outcome ?? "rollout"}: ${planned?.name ?? "rollout"} ${id ?? ""}`);
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
          ${headerMarkup(collected, data.beganAtMs, data.lengthMs)} ${countsMarkup(collected)}
          ${troubleMarkup(collected, called)} ${healthMarkup(data)} ${planned && timelineMarkup(planned, data.hosts)}
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
