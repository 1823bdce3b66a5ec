import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome, RecordedEvent } from "../../src/domain/events.ts";
import { readJournal } from "../../src/state/read-journal.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How orchestrate was called, as far as its end depends on that. */
export interface Call {
  readonly args: readonly string[];
  readonly stateDir: string;
}

const CODE_OF: Record<Outcome, number> = { succeeded: 0, incomplete: 1, halted: 1, refused: 3, interrupted: 4 };
const BUG = 70;
const SUBCOMMANDS = ["status", "validate", "history", "report", "completion", "__complete"];
const NO_RUN = ["--dry-run", "--offline", "--help", "--version", "--save-plan"];

/**
 * What must agree at the end of every rollout, whatever a test is about: the exit code, the report, the journal, and
 * the page if one was asked for.
 */
export function judgeEnd({ args, stateDir }: Call, ended: Ended): void {
  if (SUBCOMMANDS.includes(args[0] ?? "") || args.some((word) => NO_RUN.includes(word))) return;
  const said = `exit ${ended.code}\n${ended.stdout}\n${ended.stderr}`;
  assert.notEqual(ended.code, null, `it was ended by a signal\n${said}`);
  const told = optionOf(args, "--output") === "json" ? toldInEvents(ended) : toldInReport(ended);
  if (told === undefined) {
    const isExplained = ended.code === 2 || (ended.code === 4 && /nothing was changed/.test(ended.stderr));
    assert.ok(isExplained || saysBug(ended), `an exit code without a report\n${said}`);
    return;
  }
  if (told.outcome === undefined) return assert.ok(saysBug(ended), `a report without an outcome\n${said}`);
  const isRecordBroken = /^orchestrate: (the journal of rollout \S+ is not whole|stdout could not be written)/m.test(
    ended.stderr,
  );
  const expected = isRecordBroken ? Math.max(1, CODE_OF[told.outcome]) : CODE_OF[told.outcome];
  assert.equal(ended.code, expected, `the exit code of another outcome than the report's\n${said}`);
  if (told.begun && !isRecordBroken) {
    const { events, damage } = readJournal(journalOf(told.rollout, optionOf(args, "--state-dir") ?? stateDir));
    assert.equal(damage, undefined);
    const last = events.at(-1);
    assert.equal(last?.type === "rollout.finished" && last.outcome, told.outcome, "the journal's end");
  }
  const page = optionOf(args, "--report");
  if (page !== undefined && !ended.stderr.includes("the page cannot be written"))
    assert.ok(readFileSync(page, "utf8").includes(`class="outcome ${told.outcome}"`), "the page's outcome");
}

function saysBug({ code, stderr }: Ended): boolean {
  return code === BUG && /^orchestrate: a bug: .* \(.*\)$/m.test(stderr);
}

interface Told {
  readonly rollout: string;
  /** Left out where there was none. */
  readonly outcome?: Outcome;
  readonly begun: boolean;
}

function toldInEvents({ stdout }: Ended): Told | undefined {
  const events = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedEvent);
  const [first] = events;
  if (!first) return undefined;
  // A rollout that reverts another in the same process comes after it: the exit code is that of the first.
  const last = events.filter(({ rollout }) => rollout === first.rollout).at(-1);
  return {
    rollout: first.rollout,
    ...(last?.type === "rollout.finished" && { outcome: last.outcome }),
    begun: events.some(({ type }) => type === "rollout.started"),
  };
}

/** The report is on stdout if the rollout has begun, else on stderr. */
function toldInReport({ stdout, stderr }: Ended): Told | undefined {
  const headline = /^(succeeded|incomplete|halted|interrupted|refused|did not finish[^:]*): .*$/m;
  const [onStdout, onStderr] = [headline.exec(stdout), headline.exec(stderr)];
  const [line = "", how = ""] = onStdout ?? onStderr ?? [];
  if (how === "") return undefined;
  const [rollout = ""] = /\d{8}T\d{6}Z-[0-9a-f]+/.exec(line) ?? [];
  return { rollout, ...(how in CODE_OF && { outcome: how as Outcome }), begun: onStdout !== null };
}

function journalOf(rollout: string, stateDir: string): string {
  const dir = readdirSync(stateDir).find((name) => readdirSync(join(stateDir, name)).includes(`${rollout}.ndjson`));
  assert.ok(dir !== undefined, `there is no journal of ${rollout}`);
  return join(stateDir, dir, `${rollout}.ndjson`);
}

function optionOf(args: readonly string[], name: string): string | undefined {
  const index = args.indexOf(name);
  return index === -1 ? undefined : args[index + 1];
}
