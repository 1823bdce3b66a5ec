import type { RecordedEvent } from "../../../src/domain/events.ts";
import { printable } from "../../../src/domain/printable.ts";
import { eventsOf, type Ended } from "../orchestrate.ts";

/** What differs from one run to the next, and what stands for it in the table. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  // Whoever runs the tests.
  [/\buser [\w.@-]+ may not\b/g, "user NAME may not"],
  [/\d{8}T\d{6}Z-[0-9a-f]{4}/g, "ID"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME"],
  [/[\w.-]+@(?=127\.)/g, ""],
  [/[\w.-]+@[\w.-]+(?= since)/g, "WHO"],
  [/127\.\d+\.\d+\.\d+/g, "ADDRESS"],
  [/(ADDRESS\]?:)\d+/g, "$1PORT"],
  [/\bplan-\d+/g, "plan"],
  [/plan-[0-9a-f]{12}/g, "plan-HASH"],
  [/rejected the login of user \S+?(?=;)/g, "rejected the login of the user"],
  [/file: \S+\.py line: \d+/g, "file: … line: …"],
  [/SHA256:[\w+/=]+/g, "SHA256:…"],
  // Whether a look still shows it FATAL before supervisord is gone is a matter of moments.
  [/(supervisord itself ended after this restart; [^;]*); it is FATAL \(.*?\)\)/g, "$1"],
  [/\bpid \d+/g, "pid N"],
  [/\buptime \d+:\d\d:\d\d/g, "uptime TIME"],
  [/, previously \d+\)/g, ", previously N)"],
  [/for at most [\d.]+ ?m?s, then .*/g, "for at most N s, then …"],
  [/\(\w{3} \d\d \d\d:\d\d [AP]M\)/g, "(TIME)"],
];

/** What the operator is told of how it ended, as far as it is the same each time. */
export function told(ended: Ended, fleetDir: string): string {
  const events = readableEvents(ended);
  const finished = events.find((event) => event.type === "rollout.finished");
  const halted = events.find((event) => event.type === "rollout.halted");
  const [refusal] = finished?.refusals ?? [];
  const place = refusal?.host === undefined ? "" : `${refusal.host}: `;
  if (refusal) return steady(`\`${refusal.code}\`: ${place}${refusal.reason}`, fleetDir);
  if (halted) return steady(`\`${halted.code}\`: ${halted.reason}`, fleetDir);
  if (finished) return `\`${finished.outcome}\`${beside(events)}`;
  const [line = ""] = ended.stderr.split("\n");
  return steady(line === "" ? "nothing: it was killed" : line, fleetDir);
}

/** Instances of a rollout that are accounted for, and how many it had; undefined where it did not come to an end. */
export function accountOf(ended: Ended): { readonly told: number; readonly planned: number } | undefined {
  const events = readableEvents(ended);
  const finished = events.find((event) => event.type === "rollout.finished");
  const planned = events.find((event) => event.type === "rollout.planned");
  if (!finished || !planned) return undefined;
  const { healthy, failed, skipped, untouched } = finished.counts;
  const works = planned.waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts));
  const instances = works.flatMap((work) => work.batches.flatMap((batch) => batch.instances));
  return { told: healthy + failed + skipped + untouched, planned: instances.length + planned.skipped.length };
}

/** What happened on the way, where it ended well all the same. */
function beside(events: readonly RecordedEvent[]): string {
  const codes = events.flatMap((event) => {
    if (event.type === "instance.failed") return [`instance.failed (${event.code})`];
    return event.type === "instance.indeterminate" || event.type === "instance.leftovers" ? [event.type] : [];
  });
  return codes.length === 0 ? "" : `, after ${[...new Set(codes)].map((code) => `\`${code}\``).join(", ")}`;
}

/** One that was killed may have left half a line. */
function readableEvents(ended: Ended): RecordedEvent[] {
  return eventsOf({ stdout: ended.stdout.slice(0, ended.stdout.lastIndexOf("\n") + 1) });
}

function steady(text: string, fleetDir: string): string {
  const shown = VARYING.reduce(
    (said, [pattern, instead]) => said.replace(pattern, instead),
    text.replaceAll(fleetDir, "DIR"),
  );
  return printable(shown).replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
