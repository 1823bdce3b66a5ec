import { doneWord } from "../words/done-word.ts";
import { formatElapsed } from "../../domain/duration.ts";
import type { Outcome, EventOf } from "../../domain/events.ts";
import { leastMs } from "../../domain/least-duration.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { capitalized } from "../words/capitalized.ts";
import { failureRemedy, failureTitle, haltRemedy, haltTitle } from "../words/failure-text.ts";
import { utcText } from "../words/writer-text.ts";
import { logsOf, type ShownLog } from "../words/logs.ts";
import { whyNotReverted } from "../report/report.ts";
import { nextSteps, type Invocation } from "../report/next-steps.ts";
import {
  isRunning,
  drainedSection,
  driftSection,
  hooksSection,
  leftOpenSection,
  leftoversSection,
  refusedSection,
  releasesSection,
  skippedSection,
  unreachableSection,
  midRestartSection,
  warnedHooksSection,
} from "../report/report-sections.ts";
import { html, type Markup } from "./markup.ts";

/** How a rollout ended, or `unfinished` where its events end before that, or `running`. */
type Ending = Outcome | "running" | "unfinished";

/** The outcome is shown by a sign and a word as well as by colour. */
const SIGNS: Readonly<Record<Ending, string>> = {
  succeeded: "✓",
  incomplete: "✗",
  halted: "✗",
  refused: "✗",
  interrupted: "■",
  running: "▸",
  unfinished: "?",
};

/** A rollout that was reverted, for the page of its revert: how it ended and why. */
export function revertedMarkup(
  model: RolloutModel,
  times: { readonly beganAtMs: number; readonly lengthMs: number },
): Markup {
  return html`<section id="reverted" aria-label="The rollout that was reverted">
    <p class="faint">The rollout that was reverted</p>
    ${headerMarkup(model, times.beganAtMs, times.lengthMs, "part")} ${countsMarkup(model)} ${troubleMarkup(model)}
  </section>`;
}

/**
 * The name of the rollout, its outcome, and its times.
 *
 * @param as `part`: it is not what the page is about
 */
export function headerMarkup(
  model: RolloutModel,
  beganAtMs: number,
  lengthMs: number,
  as: "page" | "part" = "page",
): Markup {
  const { planned, id, finished, started, startedAtMs = 0 } = model;
  const ending = endingOf(model);
  const least = planned ? leastMs(planned) : 0;
  const took = formatElapsed(finished ? finished.seconds * 1000 : lengthMs - (started ? startedAtMs : 0));
  const facts: [string, string | undefined][] = [
    ["Rollout", id],
    ["Resumes", planned?.resumes],
    ["Reverts", planned?.reverts],
    ["Plan", planned?.plan_file],
    ["Started by", planned?.who],
    // The time said below counts from here: the look at the fleet comes before.
    ["Started", utc(beganAtMs + (started ? startedAtMs : 0))],
    [finished ? "Ended" : "Last event", utc(beganAtMs + lengthMs)],
    ["Took", least > 0 ? `${took} (preview: at least ${formatElapsed(least)})` : took],
  ];
  const title = html`<span class="outcome ${ending}"
      ><span aria-hidden="true">${SIGNS[ending]}</span> ${endingText(ending)}</span
    >
    ${printable(planned?.name ?? "A rollout without a plan")}`;
  return html`<header>
    ${as === "page" ? html`<h1>${title}</h1>` : html`<h2 class="title">${title}</h2>`}
    ${planned?.reason === undefined ? undefined : html`<p class="reason">${onOneLine(planned.reason)}</p>`}
    <dl class="facts">
      ${facts.map(([name, text]) =>
        text === undefined
          ? []
          : html`<div>
              <dt>${name}</dt>
              <dd>${onOneLine(text)}</dd>
            </div>`,
      )}
    </dl>
  </header>`;
}

/** The counts of instances by status, as numbers and as a bar. */
export function countsMarkup({ finished, instances, planned }: RolloutModel): Markup {
  const { healthy, failed, skipped, untouched } = finished?.counts ?? instances.counts;
  const open = finished ? 0 : instances.counts.under_restart + instances.counts.indeterminate;
  const counts: [string, string, number][] = [
    ["healthy", doneWord(planned), healthy],
    ["failed", "failed", failed],
    ...(open > 0 ? [["unseen", "restarting", open] as [string, string, number]] : []),
    ["skipped", "skipped", skipped],
    ["untouched", "untouched", untouched],
  ];
  const total = counts.reduce((sum, [, , count]) => sum + count, 0);
  let x = 0;
  const bars = counts.map(([state, , count]) => {
    const width = total === 0 ? 0 : (count / total) * 100;
    x += width;
    return html`<rect class="${state}" x="${x - width}" width="${width}" height="1" />`;
  });
  return html`<section aria-label="Counts">
    <ul class="counts">
      ${counts.map(
        ([state, word, count]) =>
          html`<li class="${state} ${count === 0 ? "none" : ""}"><b data-count="${state}">${count}</b> ${word}</li>`,
      )}
    </ul>
    <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
  </section>`;
}

/**
 * Why it stopped, what failed and how, which results are unknown, and what to do next.
 *
 * @param called left out where nothing is to be done next
 */
export function troubleMarkup(model: RolloutModel, called?: Invocation): Markup {
  const failed = model.failed();
  const sections = [
    refusedSection,
    hooksSection,
    warnedHooksSection,
    midRestartSection,
    unreachableSection,
    drainedSection,
    leftoversSection,
    driftSection,
    ...(model.planned?.reverts === undefined ? [] : [leftOpenSection]),
  ].map((section) => section(model));
  return html`${stopMarkup(model)}
  ${
    failed.length === 0
      ? undefined
      : html`<section>
          <h2>Failed</h2>
          ${failed.map((failure) => failureMarkup(failure))}
        </section>`
  }
  ${sections.map(linesMarkup)} ${called && linesMarkup(nextSteps(model, called))} ${linesMarkup(skippedSection(model))}
  ${linesMarkup(releasesSection(model))}`;
}

function utc(atMs: number): string {
  return utcText(new Date(atMs).toISOString());
}

function endingOf(model: RolloutModel): Ending {
  return model.finished?.outcome ?? (isRunning(model) ? "running" : "unfinished");
}

function endingText(ending: Ending): string {
  return ending === "unfinished" ? "did not finish" : ending;
}

function stopMarkup(model: RolloutModel): Markup | undefined {
  const { halted, interrupted } = model;
  if (halted) {
    if (model.isHaltedByFailure()) return undefined;
    const remedy = haltRemedy(halted.code);
    return html`<section class="stop">
      <h2>Halted</h2>
      <p>${onOneLine(halted.reason)}</p>
      ${whyNotReverted(model).map((why) => html`<p>${capitalized(why)}</p>`)}
      <p class="faint">${haltTitle(halted.code)}${remedy === undefined ? "" : `. ${remedy}`}</p>
    </section>`;
  }
  if (!interrupted) return undefined;
  return html`<section class="stop">
    <h2>Interrupted</h2>
    <p>Interrupted (${printable(interrupted.signal)}): nothing more was started.</p>
  </section>`;
}

function failureMarkup(failure: EventOf<"instance.failed">): Markup {
  const { host, instance, code, reason, still_drained } = failure;
  return html`<article class="failure">
    <h3><span aria-hidden="true">✗</span> ${printable(host)} <b>${printable(instance)}</b></h3>
    <p><strong>${failureTitle(code)}</strong></p>
    <p>${onOneLine(reason)}</p>
    ${still_drained ? html`<p><strong>Still drained</strong>: before_restart ran for it and after_healthy did not.</p>` : undefined}
    <p class="faint">${failureRemedy(failure)}</p>
    ${logsOf(failure).map(logMarkup)}
  </article>`;
}

function logMarkup({ title, lines }: ShownLog): Markup {
  return title === undefined
    ? html`<p class="faint">${capitalized(lines.join(" "))}.</p>`
    : html`<details open>
        <summary>${capitalized(title)}</summary>
        <pre tabindex="0" role="region" aria-label="Log">${lines.join("\n")}</pre>
      </details>`;
}

/** A section of the report as it is: a title and lines. */
function linesMarkup([title, ...lines]: readonly string[]): Markup | undefined {
  if (title === undefined) return undefined;
  return html`<section class="lines">
    <h2>${capitalized(title)}</h2>
    <pre tabindex="0" role="region" aria-label="${title}">
${lines.map((line) => lineMarkup(line.replace(/^ {2}/, "")))}</pre>
  </section>`;
}

/** A command has a button that copies it, where scripts run. In a `pre` every blank counts. */
function lineMarkup(line: string): Markup | string {
  const [, indentation, command] = /^( +)((?:orchestrate|kill) .*)$/.exec(line) ?? [];
  if (command === undefined) return `${line}\n`;
  return html`${indentation}<code>${command}</code> <button type="button" class="copy" hidden>copy</button>${"\n"}`;
}
