import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { formatDiagnostic } from "../../src/planner/diagnostic.ts";
import { parsePlan } from "../../src/planner/load.ts";

const texts = ["good", "wrong"].flatMap((folder) =>
  readdirSync(join(import.meta.dirname, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => readFileSync(join(import.meta.dirname, folder, name), "utf8")),
);

/** Longer than any mutated plan should take, in processor time. */
const TOO_LONG_MS = 1500;

function judge(text: string): void {
  const before = process.cpuUsage();
  const loaded = parsePlan(text, "plan.yaml", { HOME: "/home/operator" });
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < TOO_LONG_MS, "took too long");
  if (loaded.ok) {
    assert.ok(loaded.plan.hosts.length > 0 && loaded.plan.waves.length > 0);
    for (const wave of loaded.plan.waves) assert.ok(wave.hosts.length > 0 && wave.programs.length > 0);
    return;
  }
  assert.ok(loaded.diagnostics.length > 0);
  const said = loaded.diagnostics.map(formatDiagnostic);
  assert.equal(new Set(said).size, said.length, "one was told twice");
  for (const { line = 1, column = 1, sourceLine = "" } of loaded.diagnostics) {
    assert.ok(line >= 1 && column >= 1 && column <= sourceLine.length + 1, "a place outside of the text");
  }
}

/** Replaces, inserts or removes something at some place. */
function mutate(text: string, [at, length, piece]: readonly [number, number, string]): string {
  const start = Math.floor(at * text.length);
  return text.slice(0, start) + piece + text.slice(start + length);
}

const piece = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\n",
    "\n  ",
    "\t",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "*",
    "&a ",
    "*a",
    "!",
    "!!map ",
    "@",
    "#",
    "|",
    ">",
    "?",
    ",",
    "<<: ",
    "null",
    "~",
    "0",
    "-1",
    "1e9",
    "99999",
    "50%",
    "5s",
    "true",
  ),
  fc.constantFrom(
    "hosts",
    "groups",
    "rollout",
    "ssh",
    "timings",
    "batches",
    "programs",
    "checks",
    "web-[1-3]",
    "@web",
    "!web-1",
    "${X}",
    "__proto__",
    "constructor",
    "\u0000",
    "\uFEFF",
    "\u2028",
    "🦊",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);

describe("the planner, given anything at all", function () {
  this.timeout(120_000);

  it("never throws, hangs or repeats itself over mutated plans", () => {
    const mutations = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0, 1, 2, 5, 20), piece),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...texts), mutations, (text, changes) => judge(changes.reduce(mutate, text))),
      { numRuns: 3000 },
    );
  });

  it("never throws over any values in the places of a plan", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom("5s", "50%", "web-[1-2]", "@g", "*", "!web-1", "x", 0, 1, 1.5, null, true, [], {}, ["x"], "${A}"),
    );
    const keys = [
      "version",
      "name",
      "programs",
      "hosts",
      "groups",
      "ssh",
      "supervisor",
      "timings",
      "batches",
      "limits",
      "on_failure",
      "stopped",
      "rollout",
      "checks",
      "address",
      "connection",
      "user",
      "port",
      "config",
      "between_checks",
      "instances",
      "g",
      "web-1",
      "web-[1-2]",
      "mode",
      "group",
    ];
    const map = (inner: fc.Arbitrary<unknown>) => fc.dictionary(fc.constantFrom(...keys), inner, { maxKeys: 6 });
    const plan = map(fc.oneof(value, map(fc.oneof(value, map(value))), fc.array(map(value), { maxLength: 3 })));
    fc.assert(
      fc.property(plan, (data) => judge(JSON.stringify({ programs: "x", hosts: { "web-[1-2]": null }, ...data }))),
      { numRuns: 3000 },
    );
  });

  it("never throws over any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), judge), { numRuns: 1000 });
  });
});
