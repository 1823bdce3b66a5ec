import { formatElapsed } from "../../domain/duration.ts";
import type { Counts, RolloutEvent } from "../../domain/events.ts";
import { leastMs } from "../../domain/least-duration.ts";
import { Collected } from "../model/collected.ts";
import { countsText } from "../words/counting.ts";
import { haltRemedy, haltTitle } from "../words/failure-text.ts";
import { howToGoOn, type Called } from "./next-steps.ts";
import type { Ledger } from "../model/ledger.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import {
  drainedSection,
  driftSection,
  failedSection,
  fatesSection,
  hooksSection,
  leftOpenSection,
  leftoversSection,
  refusedSection,
  skippedSection,
  unreachableSection,
  unsettledSection,
} from "./report-sections.ts";
import { wrapped } from "../words/wrapped.ts";

/** Collects the events of a rollout and says at its end what is done, broken and untouched, and how to go on. */
export interface Report {
  collect(event: RolloutEvent & { readonly rollout?: string }): void;
  /** Whether the rollout has begun. If not, why is a diagnostic: the command line tells it on stderr, and no view does. */
  hasBegun(): boolean;
  /** The report so far, ending in a newline. With a width, prose is wrapped; names, logs and commands never are. */
  text(columns?: number): string;
}

export function createReport(called: Called = {}): Report {
  const collected = new Collected();
  return {
    collect: (event) => collected.collect(event),
    hasBegun: () => collected.begun,
    text: (columns = Infinity) => reportText(collected, called, columns),
  };
}

function reportText(collected: Collected, called: Called, columns: number): string {
  const sections = [...sectionsFor(collected), howToGoOn(collected, called)].filter((section) => section.length > 0);
  const lines = [
    headline(collected, called.plan),
    ...whyItStopped(collected),
    ...sections.flatMap((section) => ["", ...section]),
  ];
  return `${lines.flatMap((line) => wrapped(line, columns)).join("\n")}\n`;
}

function sectionsFor(collected: Collected): string[][] {
  const outcome = collected.finished?.outcome;
  if (outcome === "refused") return [refusedSection(collected)];
  if (outcome === "succeeded")
    return [
      hooksSection(collected),
      drainedSection(collected),
      leftoversSection(collected),
      driftSection(collected),
      skippedSection(collected),
    ];
  return [
    failedSection(collected),
    hooksSection(collected),
    unsettledSection(collected),
    unreachableSection(collected),
    drainedSection(collected),
    leftoversSection(collected),
    driftSection(collected),
    fatesSection(collected, "untouched"),
    leftOpenSection(collected),
    skippedSection(collected),
    fatesSection(collected, "healthy"),
  ];
}

function headline({ planned, begun, id, finished, ledger }: Collected, plan: string | undefined): string {
  const outcome = finished?.outcome ?? "left before its end";
  const name = printable(planned?.name ?? plan ?? "the rollout");
  const time = finished ? ` ${outcome === "succeeded" ? "in" : "after"} ${formatElapsed(finished.seconds * 1000)}` : "";
  const least = planned && begun ? leastMs(planned) : 0;
  const beside = finished && least > 0 ? ` (preview: at least ${formatElapsed(least)})` : "";
  const counts = outcome === "refused" ? "nothing was changed" : countsText(finished?.counts ?? countsSoFar(ledger));
  return `${outcome}: ${name}${id === undefined ? "" : ` (${id})`}${time}${beside}: ${counts}`;
}

/** An instance that was lost from sight counts as failed, as it does in the rollout's own counts. */
function countsSoFar({ counts }: Ledger): Counts {
  const failed = counts.failed + counts.indeterminate + counts.under_restart;
  return { healthy: counts.healthy, failed, skipped: counts.skipped, untouched: counts.untouched };
}

/** Why nothing further began, unless a failed instance says it. */
function whyItStopped(collected: Collected): string[] {
  const { halted, interrupted } = collected;
  if (halted) {
    if (collected.isHaltToldByFailure()) return [];
    const remedy = haltRemedy(halted.code);
    return [
      `because ${onOneLine(halted.reason)}: ${haltTitle(halted.code)}`,
      ...(remedy === undefined ? [] : [remedy]),
    ];
  }
  return interrupted ? [`because it was interrupted (${interrupted.signal})`] : [];
}
