import type { Happening } from "./happenings.ts";
import type { Report } from "./report.ts";

/**
 * Holds what a run said against what supervisord says happened. It shares no code with the product: it knows a
 * configuration, a log and a text.
 */

/** What is to be true of a rollout, by the names of processes without their groups. */
export interface Expected {
  /** Everything that was selected and is to be restarted, each once. */
  readonly restarts: readonly string[];
  /** Chains of which each comes before the next. */
  readonly order: readonly (readonly string[])[];
  /** What a preview named, in its order, among other words: the run takes them in that order. */
  readonly announced?: readonly string[];
  /** Those that end by themselves now and then and are started again, or do when another one ends. */
  readonly restless: readonly string[];
  /** Those whose old process is known to outlive them, and is to be named. */
  readonly leaveBehind: readonly string[];
  /** How many of some are up at any moment, at the least. */
  readonly floor?: { readonly names: readonly string[]; readonly atLeast: number };
}

export interface Seen {
  /** From the start of the run to its end. */
  readonly happenings: readonly Happening[];
  /** When supervisord was asked to end, if it was. */
  readonly endedAt: number | undefined;
  readonly code: number | null;
  readonly report: Report;
}

/** Faults of a rollout that was to succeed. None: it is right. */
export function judgeSuccess(seen: Seen, expected: Expected): string[] {
  return [
    ...outcomeFaults(seen, 0, "succeeded"),
    ...expected.restarts.flatMap((name) => restartFaults(seen, expected, name)),
    ...strangers(seen, expected.restarts, expected),
    ...expected.restarts.filter((name) => !isUp(seen, name)).map((name) => `${name} is not up at the end`),
    ...orderFaults(seen, expected),
    ...floorFaults(seen, expected),
    ...difference(
      "leaving something behind",
      seen.report.leftBehind,
      expected.leaveBehind.filter((name) => expected.restarts.includes(name)),
    ),
  ];
}

export interface ExpectedFailure extends Expected {
  readonly fails: { readonly name: string; readonly text: RegExp };
}

/** Faults of a rollout that was to halt at one process. If supervisord went down with it, nothing of its host is healthy. */
export function judgeFailure(seen: Seen, expected: ExpectedFailure): string[] {
  const { fails } = expected;
  const { report } = seen;
  const codes = trueCodes(seen, fails.name);
  const touched = expected.restarts.filter((name) => stops(seen, name) > 0 || wasStarted(seen, name, expected));
  const fine = touched.filter((name) => name !== fails.name);
  const failure = report.failed.find(({ name }) => name === fails.name);
  return [
    ...outcomeFaults(seen, 1, "halted"),
    ...(failure === undefined
      ? [`${fails.name} is not among the failed: ${list(report.failed.map(({ name, code }) => `${name} (${code})`))}`]
      : codes.includes(failure.code)
        ? []
        : [`${fails.name} failed as ${failure.code}, not ${codes.join(" or ")}`]),
    ...(fails.text.test(report.text) ? [] : [`the report does not show ${String(fails.text)}`]),
    ...(stops(seen, fails.name) > 1 ? [`${fails.name} was restarted ${stops(seen, fails.name)} times`] : []),
    ...fine.flatMap((name) => restartFaults(seen, expected, name)),
    ...strangers(seen, expected.restarts, expected),
    ...orderFaults(seen, expected),
    ...(seen.endedAt !== undefined
      ? [...difference("healthy", report.healthy, []), ...downFaults(report, expected.restarts, touched)]
      : [
          ...difference("healthy", report.healthy, fine),
          ...difference(
            "untouched",
            report.untouched,
            expected.restarts.filter((name) => !touched.includes(name)),
          ),
          ...difference(
            "failed",
            report.failed.map(({ name }) => name),
            [fails.name],
          ),
        ]),
  ];
}

export interface ExpectedResume extends Expected {
  /** What the report before said to be healthy, and has run since. */
  readonly healthyBefore: readonly string[];
  /** What failed before, and perhaps everything else: it may run again already, so that it is only judged. */
  readonly mayRunAlready: readonly string[];
}

/** Faults of a resume after the repair. */
export function judgeResume(seen: Seen, expected: ExpectedResume): string[] {
  const left = expected.restarts.filter((name) => !expected.healthyBefore.includes(name));
  return [
    ...outcomeFaults(seen, 0, "succeeded"),
    ...left.flatMap((name) =>
      expected.mayRunAlready.includes(name)
        ? stops(seen, name) > 1
          ? [`${name} was restarted ${stops(seen, name)} times`]
          : []
        : restartFaults(seen, expected, name),
    ),
    ...strangers(seen, left, expected),
    ...left.filter((name) => seen.happenings.some((each) => each.name === name) && !isUp(seen, name)).map(notUp),
    ...orderFaults(seen, expected),
  ];
}

/** Of the default healthy_deadline, without what passes between the last attempt and its end. */
const patienceMs = 100_000;

/** What a program that does not come up may be called, by what supervisord logged of it. */
function trueCodes({ happenings, endedAt }: Seen, name: string): string[] {
  if (endedAt !== undefined) return ["supervisor_ended"];
  const own = happenings.filter((each) => each.name === name);
  const since = own.slice(own.findIndex(({ what }) => what === "stopped"));
  const lasted = (since.at(-1)?.at ?? 0) - (since[0]?.at ?? 0);
  const whats = since.map(({ what }) => what);
  const ended = whats.indexOf("ended");
  // On a busy machine supervisord takes even one that ends at once for RUNNING, for a moment.
  const ran = whats.includes("running") && whats.indexOf("running") < whats.lastIndexOf("ended");
  const startedAgain = whats.lastIndexOf("spawned") > ended && ended >= 0;
  return [
    ...(whats.includes("gave_up") ? ["fatal"] : []),
    ...(ran && startedAgain ? ["flapping"] : []),
    ...(ran && whats.at(-1) === "ended" ? ["exited"] : []),
    // It may come and go for as long as the rollout is patient.
    ...(!whats.includes("gave_up") && startedAgain && lasted >= patienceMs ? ["healthy_deadline"] : []),
  ];
}

function notUp(name: string): string {
  return `${name} is not up at the end`;
}

function outcomeFaults({ code, report }: Seen, wantedCode: number, outcome: string): string[] {
  return [
    ...(code === wantedCode ? [] : [`exit ${code}, not ${wantedCode}`]),
    ...(report.outcome === outcome ? [] : [`the report says "${report.outcome}", not "${outcome}"`]),
  ];
}

/** Restarted once, and not more often started than that, unless it is of those that come and go. */
function restartFaults(seen: Seen, { restless }: Expected, name: string): string[] {
  const stopped = stops(seen, name);
  const spawned = seen.happenings.filter((each) => each.name === name && each.what === "spawned").length;
  if (restless.includes(name)) {
    // Between its own end and its start there is nothing to stop.
    return stopped > 1 || spawned === 0 ? [`${name} was stopped ${stopped} times and started ${spawned} times`] : [];
  }
  return stopped === 1 && spawned === 1 ? [] : [`${name} was stopped ${stopped} times and started ${spawned} times`];
}

/** Whatever else was stopped or started. */
function strangers(seen: Seen, allowed: readonly string[], { restless }: Expected): string[] {
  const others = new Set(seen.happenings.map(({ name }) => name).filter((name) => !allowed.includes(name)));
  return [...others].flatMap((name) => {
    if (stops(seen, name) > 0) return [`${name} was stopped`];
    const started = seen.happenings.some((each) => each.name === name && each.what === "spawned");
    return started && !restless.includes(name) ? [`${name} was started`] : [];
  });
}

function orderFaults(seen: Seen, { order: known, announced = [], restarts }: Expected): string[] {
  const order = [...known, announced];
  const turn = (name: string) =>
    seen.happenings.findIndex((each) => each.name === name && (each.what === "asked" || each.what === "stopped"));
  return order.flatMap((chain) => {
    const taken = chain.filter((name) => restarts.includes(name) && turn(name) >= 0);
    return taken.flatMap((name, index) => {
      const next = taken[index + 1];
      return next === undefined || turn(name) < turn(next) ? [] : [`${next} was taken before ${name}`];
    });
  });
}

function floorFaults(seen: Seen, { floor, restless }: Expected): string[] {
  if (floor === undefined) return [];
  const down = new Set<string>();
  let fewest = floor.names.length;
  for (const { name, what } of seen.happenings) {
    if (!floor.names.includes(name) || what === "spawned") continue;
    if (what === "running") down.delete(name);
    // The second in which Supervisor starts it again belongs to its work.
    else if (what !== "ended" || !restless.includes(name)) down.add(name);
    fewest = Math.min(fewest, floor.names.length - down.size);
  }
  return fewest >= floor.atLeast ? [] : [`only ${fewest} of ${floor.names.length} were up, not ${floor.atLeast}`];
}

/** Each selected instance has one fate. */
function downFaults(report: Report, selected: readonly string[], touched: readonly string[]): string[] {
  const failed = report.failed.map(({ name }) => name);
  return [
    ...selected
      .filter((name) => !failed.includes(name) && !report.untouched.includes(name))
      .map((name) => `${name} is missing from the report`),
    ...touched.filter((name) => report.untouched.includes(name)).map((name) => `${name} is said to be untouched`),
    ...(/supervisord itself ended/.test(report.text) ? [] : ["the report does not say that supervisord itself ended"]),
  ];
}

function difference(title: string, said: readonly string[], wanted: readonly string[]): string[] {
  const missing = wanted.filter((name) => !said.includes(name));
  const wrong = said.filter((name) => !wanted.includes(name));
  return [
    ...(missing.length === 0 ? [] : [`not said to be ${title}: ${list(missing)}`]),
    ...(wrong.length === 0 ? [] : [`wrongly said to be ${title}: ${list(wrong)}`]),
  ];
}

function stops(seen: Seen, name: string): number {
  return seen.happenings.filter((each) => each.name === name && each.what === "stopped").length;
}

/** Restarted although there was nothing to stop at that moment. */
function wasStarted(seen: Seen, name: string, { restless }: Expected): boolean {
  return !restless.includes(name) && seen.happenings.some((each) => each.name === name && each.what === "spawned");
}

function isUp(seen: Seen, name: string): boolean {
  const last = seen.happenings.findLast((each) => each.name === name);
  return last?.what === "running" || last?.what === "spawned";
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
