/** What a report says, as a person reads it. Names of processes are without their group. */
export interface Report {
  /** The first word of its headline: `succeeded`, `halted`… Empty when there is no report. */
  readonly outcome: string;
  readonly failed: readonly { readonly name: string; readonly code: string }[];
  readonly healthy: readonly string[];
  readonly untouched: readonly string[];
  readonly skipped: readonly string[];
  /** Those whose old process outlives them. */
  readonly leftBehind: readonly string[];
  /** All that was printed. */
  readonly text: string;
}

/** @param text all that a run printed; the report is its end */
export function readReport(text: string): Report {
  const lines = text.split("\n");
  const first = lines.findLastIndex((each) => /^(succeeded|halted|incomplete|interrupted|refused): /.test(each));
  const sections = new Map<string, string[]>();
  let section: string[] = [];
  for (const each of lines.slice(first + 1)) {
    if (/^\S/.test(each)) sections.set(each.trimEnd(), (section = []));
    else section.push(each.slice(2));
  }
  const of = (title: string) => (sections.get(title) ?? []).filter((each) => /^\S/.test(each));
  return {
    outcome: first < 0 ? "" : (/^\w+/.exec(lines[first] ?? "")?.[0] ?? ""),
    failed: failuresIn(sections.get("failed") ?? []),
    healthy: of("healthy").flatMap(namesOf),
    untouched: of("untouched").flatMap(namesOf),
    leftBehind: of("left behind by old instances").flatMap(namesOf),
    skipped: of("skipped").flatMap((each) => namesOf(each.replace(/: .*/, ""))),
    text,
  };
}

/** Each failure with its code. What failed for the same reason stands in the reason: `…; likewise web:web_[01-02]`. */
function failuresIn(lines: readonly string[]): Report["failed"] {
  const failures: { name: string; code: string }[] = [];
  for (const line of lines) {
    const [, instance, code] = /^\S+ (.+?): .*\((\w+)\)/.exec(line) ?? [];
    if (instance !== undefined && code !== undefined) failures.push({ name: withoutGroup(instance), code });
    const [, others = ""] = /^ {2}\S.*; likewise (.*)$/.exec(line) ?? [];
    const same = failures.at(-1)?.code;
    if (same !== undefined)
      for (const name of others
        .split(" ")
        .filter((each) => each !== "")
        .flatMap(unfolded))
        failures.push({ name: withoutGroup(name), code: same });
  }
  return failures;
}

/** Every process that a text may name, and all its other words. */
export function wordsIn(text: string): Set<string> {
  return new Set(text.split(/[\s:;]+|,(?:\s|$)/).flatMap(unfolded));
}

/** Of `host-1 web:web_[00-01] cron`. */
function namesOf(entry: string): string[] {
  return entry.split(" ").slice(1).flatMap(unfolded).map(withoutGroup);
}

/** `web_[00-02,5]` is web_00, web_01, web_02 and web_5. */
function unfolded(word: string): string[] {
  const [, before = "", ranges, after = ""] = /^(.*?)\[([\d,-]+)\](.*)$/.exec(word) ?? [];
  if (ranges === undefined) return [word];
  return ranges.split(",").flatMap((range) => {
    const [from = "", to = from] = range.split("-");
    const count = Number(to) - Number(from) + 1;
    return Array.from({ length: count }, (_, index) =>
      unfolded(`${before}${String(Number(from) + index).padStart(from.length, "0")}${after}`),
    ).flat();
  });
}

function withoutGroup(instance: string): string {
  return instance.slice(instance.indexOf(":") + 1);
}
