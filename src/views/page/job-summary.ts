import { doneWord } from "../words/done-word.ts";
import { formatElapsed } from "../../domain/duration.ts";
import type { EventOf } from "../../domain/events.ts";
import { leastMs } from "../../domain/least-duration.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { capitalized } from "../words/capitalized.ts";
import { failureRemedy, failureTitle, haltTitle } from "../words/failure-text.ts";
import { nextSteps, type Invocation } from "../report/next-steps.ts";
import { html, Markup } from "./markup.ts";
import { logsOf, type ShownLog } from "../words/logs.ts";
import {
  drainedSection,
  hooksSection,
  leftoversSection,
  refusedSection,
  releasesSection,
  unreachableSection,
  midRestartSection,
  warnedHooksSection,
} from "../report/report-sections.ts";

/** A summary is read for the causes; all logs are in the report. */
const MOST_FAILURES = 10;

const SIGNS: Readonly<Record<string, string>> = { succeeded: "✅", interrupted: "⏹️" };

/**
 * The end of a rollout for the page that a CI system shows of a job. It is Markdown that has HTML only, without an
 * empty line, so that text of a host is never taken for markup.
 */
export function jobSummaryText(model: RolloutModel, invocation: Invocation): string {
  // Nothing where there was no rollout, not even a refused one.
  return model.finished ? `${summaryMarkup(model, invocation).text.replace(/\s*\n\s*/g, "\n")}\n\n` : "";
}

function summaryMarkup(model: RolloutModel, invocation: Invocation): Markup {
  const { planned, id, finished, halted, interrupted } = model;
  const outcome = finished?.outcome ?? "unfinished";
  const least = planned && model.started ? leastMs(planned) : 0;
  const took = formatElapsed((finished?.seconds ?? 0) * 1000);
  const { healthy, failed, skipped, untouched } = finished?.counts ?? {
    healthy: 0,
    failed: 0,
    skipped: 0,
    untouched: 0,
  };
  const failures = model.failed();
  const sections = [
    refusedSection,
    hooksSection,
    warnedHooksSection,
    midRestartSection,
    unreachableSection,
    drainedSection,
    leftoversSection,
  ];
  return html`<h2>${SIGNS[outcome] ?? "❌"} ${outcome}: ${printable(planned?.name ?? invocation.plan ?? "rollout")}</h2>
    <p>
      ${planned?.reason === undefined ? "" : `${onOneLine(planned.reason)}; `}${planned?.who === undefined ? "" : `${printable(planned.who)}; `}${took}${least > 0 ? ` (preview: at least ${formatElapsed(least)})` : ""};
      rollout
      <code>${id}</code>${planned?.reverts === undefined ? "" : html`, which reverts <code>${planned.reverts}</code>`}
    </p>
    <table>
      <tr>
        <th>${doneWord(planned)}</th>
        <th>failed</th>
        <th>skipped</th>
        <th>untouched</th>
      </tr>
      <tr>
        <td>${healthy}</td>
        <td>${failed}</td>
        <td>${skipped}</td>
        <td>${untouched}</td>
      </tr>
    </table>
    ${halted && !model.isHaltedByFailure() ? html`<p>Halted: ${onOneLine(halted.reason)}: ${haltTitle(halted.code)}</p>` : undefined}
    ${interrupted ? html`<p>Interrupted (${printable(interrupted.signal)})</p>` : undefined}
    ${failures.slice(0, MOST_FAILURES).map((failure) => failureMarkup(failure))}
    ${failures.length > MOST_FAILURES ? html`<p>… and ${failures.length - MOST_FAILURES} more failures</p>` : undefined}
    ${[...sections.map((section) => section(model)), nextSteps(model, invocation), releasesSection(model)].map(sectionMarkup)}`;
}

function failureMarkup(failure: EventOf<"instance.failed">): Markup {
  const { host, instance, code, reason } = failure;
  return html`<h3>${printable(`${host} ${instance}`)}</h3>
    <p><b>${failureTitle(code)}</b>: ${onOneLine(reason)}<br />${failureRemedy(failure)}</p>
    ${logsOf(failure).map(logMarkup)}`;
}

function logMarkup({ title, lines }: ShownLog): Markup {
  if (title === undefined) return html`<p>No log: ${lines.join(" ")}</p>`;
  return html`<details>
    <summary>${capitalized(title)}</summary>
    ${preformatted(lines)}
  </details>`;
}

function sectionMarkup([title, ...lines]: readonly string[]): Markup | undefined {
  if (title === undefined) return undefined;
  return html`<h3>${title}</h3>
    ${preformatted(lines.map((line) => line.replace(/^ {2}/, "")))}`;
}

/** Lines without line breaks: an empty line would end the HTML. */
function preformatted(lines: readonly string[]): Markup {
  const text = lines.map((line) => html`${line}`.text).join("&#10;");
  return new Markup(`<pre>${text}</pre>`);
}
