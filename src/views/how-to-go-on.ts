import { printable } from "../domain/printable.ts";
import { beganAt } from "../domain/ids.ts";
import type { Collected } from "./collected.ts";
import { titled } from "./report-sections.ts";

/** What the operator does next: each command on a line of its own, as a shell takes it. */
export function howToGoOn(collected: Collected, plan: string | undefined): string[] {
  const { id, begun, planned, finished, ledger } = collected;
  const outcome = finished?.outcome;
  if (outcome === "succeeded") return [];
  const first = {
    refused: "mend that, then ",
    halted: "mend the cause, then ",
    incomplete: "mend the causes, then ",
    interrupted: "",
  };
  const before = outcome === undefined ? "" : first[outcome];
  if (plan === undefined) return titled("how to go on", [`  ${before}run the same plan again`]);
  const command = `orchestrate ${quoted(plan)}`;
  const { healthy, failed, indeterminate, under_restart } = ledger.counts;
  const wasTouched = healthy + failed + indeterminate + under_restart > 0;
  if (!begun || (planned && !wasTouched)) return titled("how to go on", [`  ${before}run it again:`, `    ${command}`]);
  // What a rollout that was resumed has restarted before is done as well.
  const began = beganAt(planned?.resumes ?? id ?? "");
  const rest = began === undefined ? [] : [`    ${command} --started-before ${began}`];
  // What has ended is not resumed: what failed is left to be restarted by a run of its own.
  if (outcome === "incomplete") return titled("how to go on", [`  ${before}run it again for the rest:`, ...rest]);
  return titled("how to go on", [
    `  ${before}go on from here:`,
    `    ${command} --resume${id === undefined ? "" : ` ${id}`}`,
    ...(rest.length === 0 ? [] : ["  or, without its journal, with what was not restarted since it began:", ...rest]),
  ]);
}

/** As a shell takes it back, where the name needs that. */
function quoted(path: string): string {
  return /^[\w./@:+,=-]+$/.test(path) ? path : `'${printable(path).replaceAll("'", `'\\''`)}'`;
}
