import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { InstanceName, RolloutId } from "../../src/domain/ids.ts";
import { fill, pidValues, placeholderValues, waveValues } from "../../src/domain/placeholders.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { worksOf, type Rollout } from "../../src/domain/rollout.ts";
import type { Hook } from "../../src/domain/settings.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { formatDiagnostic, type Diagnostic } from "../../src/planner/text/diagnostic.ts";
import { checkPlan, loadPlan, parsePlan } from "../../src/planner/plan/load.ts";
import type { Plan } from "../../src/planner/plan/plan.ts";
import { anyPlan } from "./any-plan.ts";
import { amount } from "../amount.ts";

const texts = ["plan/good", "plan/wrong"].flatMap((folder) =>
  readdirSync(join(import.meta.dirname, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => readFileSync(join(import.meta.dirname, folder, name), "utf8")),
);

/** Some hundred times what a mutated plan takes, in processor time: only one that makes the planner hang gets there. */
const TOO_LONG_MS = 20_000;

const ENV = { HOME: "/home/operator", A: "a", PORT: "22", EMPTY: "", ODD: "{host} ${A} '" };

/** Where plans that extend others stand. */
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "plans-"));
  for (const name of ["base.yaml", "below.yaml"]) writeFileSync(join(folder, name), texts[0] ?? "");
});
after(() => rmSync(folder, { recursive: true }));

function judge(text: string, inventory = "{}"): void {
  const startedAt = process.cpuUsage();
  const file = join(folder, "plan.yaml");
  const loaded = parsePlan(text, file, ENV, { inventory: () => inventory });
  const { user, system } = process.cpuUsage(startedAt);
  assert.ok((user + system) / 1000 < TOO_LONG_MS, "took too long");
  if (loaded.ok) judgePlan(loaded.plan);
  else judgeDiagnostics(loaded.diagnostics);
}

function judgeDiagnostics(diagnostics: readonly Diagnostic[]): void {
  assert.ok(diagnostics.length > 0);
  const said = diagnostics.map(formatDiagnostic);
  assert.equal(new Set(said).size, said.length, "one was reported twice");
  for (const { line = 1, column = 1, endLine = line, endColumn = column, sourceLine = "" } of diagnostics) {
    assert.ok(line >= 1 && column >= 1 && column <= sourceLine.length + 1, "a place outside of the text");
    assert.ok(endLine > line || (endLine === line && endColumn >= column), "a range that ends before it starts");
    assert.ok(endLine > line || endColumn <= sourceLine.length + 1, "a range that ends outside of the text");
  }
}

/** A base that is good so far becomes an error when it is run. */
function judgeBase(file: string): void {
  const checked = checkPlan(file, ENV);
  if (!checked.ok) return judgeDiagnostics(checked.diagnostics);
  if ("plan" in checked) return;
  const loaded = loadPlan(file, ENV);
  assert.ok(!loaded.ok);
  assert.deepEqual(
    loaded.diagnostics.map(({ code }) => code),
    ["abstract_plan"],
  );
}

/** The ways to all that stands in a map. */
function pathsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsIn(inner, [...path, key])]);
}

function withNull(data: object | null, [key = "", ...more]: readonly string[]): object {
  const inner = (data as Record<string, object | null> | null)?.[key] ?? null;
  return { ...data, [key]: more.length === 0 ? null : withNull(inner, more) };
}

/** A good plan is refused only for what the fleet lacks: instances for an odd glob, or for a high floor. */
function judgePlan(plan: Plan): void {
  assert.ok(plan.hosts.length > 0 && plan.waves.length > 0);
  for (const wave of plan.waves) {
    assert.ok(wave.hosts.length > 0 && wave.programs.length > 0 && wave.batches.sizes.length > 0);
    for (const { settings } of wave.hosts)
      assert.ok(Object.values(settings.timings).every((ms) => Number.isFinite(ms)));
  }
  const selectors = [...new Set(plan.waves.flatMap(({ programs }) => programs))];
  const instances = selectors.flatMap(instancesFor);
  const names = plan.hosts.map(({ name }) => name);
  const built = buildRollout(plan, new Map(names.map((host) => [host, { host, instances }])), {
    id: "id" as RolloutId,
  });
  if (built.kind === "planned") return judgeTemplates(built.rollout);
  const expected = new Set(selectors.some((selector) => /[^\w.:-]/.test(selector)) ? ["program_not_found"] : []);
  const { min_healthy } = plan.limits;
  if ("count" in min_healthy || min_healthy.percent > 0) expected.add("floor_impossible");
  for (const { code } of built.refusals) assert.ok(expected.has(code), code);
}

/** Whatever stands in checks and hooks can be filled in, but for the number of a process that has none. */
function judgeTemplates(rollout: Rollout): void {
  for (const { group, hooks, vars = {}, batches } of rollout.waves)
    for (const { command } of Object.values(hooks ?? {}) as Hook[]) {
      const hosts = batches.flatMap((batch) => batch.hosts.map(({ host }) => host));
      const filled = fill(command, { vars, ...waveValues(group, hosts) }, ENV, "shell");
      assert.ok("text" in filled, JSON.stringify(filled));
    }
  for (const { host, checks, hooks, vars, batches } of worksOf(rollout)) {
    const of = { host, address: "10.0.0.1", vars };
    const instance = batches[0]?.instances[0]?.instance;
    const values = placeholderValues(of, instance);
    const texts = checks.map((check) =>
      check.kind === "http" ? check.url : check.kind === "tcp" ? check.address : check.command,
    );
    const aboutHost = [hooks.before_host, hooks.after_host].flatMap((hook) => (hook ? [hook.command] : []));
    const aboutInstance = [hooks.before_restart, hooks.after_healthy].flatMap((hook) => (hook ? [hook.command] : []));
    const filled = [
      ...aboutHost.map((text) => fill(text, placeholderValues(of), ENV, "shell")),
      ...[...texts, ...aboutInstance].map((text) => fill(text, { ...values, ...pidValues({ pid: 7 }) }, ENV, "shell")),
    ];
    for (const result of filled) assert.ok("text" in result || result.missing === "{number}", JSON.stringify(result));
  }
}

function instancesFor(selector: string): ProcessSnapshot[] {
  const name = selector.replaceAll("*", "any").replaceAll("?", "a");
  const instances = name.includes(":") ? [name.endsWith(":") ? `${name}x` : name] : [`${name}:1`, `${name}:2`];
  return instances.map((instance) => ({ instance: instance as InstanceName, state: "RUNNING", pid: 7 }));
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
  fc.constantFrom(
    "extends: base.yaml\n",
    "extends: [base.yaml, below.yaml]\n",
    "hosts_from: { ansible: x }\n",
    "vars",
    "hooks: { before_host: x }",
    "{host}",
    "{vars.a}",
    "{number}",
    "${A}",
    "${B:-b}",
    "$${",
    "${ODD}",
    "sliding",
    "[1, 10%]",
    "ask",
    "start",
    "limits: { min_healthy: 50% }\n",
    "abstract: true\n",
    ": null",
    "hosts: { web-1: null }\n",
    "groups: { web: null }\n",
  ),
  fc.string({ unit: "binary", maxLength: 4 }),
);

const mutation = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0, 1, 2, 5, 20), piece);

describe("the planner, given anything at all", () => {
  it("never throws, hangs or repeats itself over mutated plans", () => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...texts), mutations, (text, changes) => judge(changes.reduce(mutate, text))),
      { numRuns: amount(3000, 250) },
    );
  });

  it("nor over mutated plans of which one extends the other", () => {
    const changes = fc.array(mutation, { maxLength: 3 });
    const place = fc.constantFrom(
      "extends: base.yaml\n",
      "extends: [base.yaml, base.yaml]\n",
      "extends: [below.yaml, base.yaml]\n",
    );
    const text = fc.constantFrom(...texts);
    fc.assert(
      fc.property(place, text, changes, text, changes, (head, own, ownChanges, base, baseChanges) => {
        writeFileSync(join(folder, "base.yaml"), baseChanges.reduce(mutate, base));
        judge(ownChanges.reduce(mutate, own.startsWith("{") ? own : head + own));
      }),
      { numRuns: amount(1500, 90) },
    );
  });

  it("nor lets one through of which no rollout can be made", () => {
    fc.assert(
      fc.property(anyPlan, anyPlan, fc.boolean(), (plan, base, isExtended) => {
        writeFileSync(join(folder, "base.yaml"), JSON.stringify(base));
        judge(JSON.stringify(isExtended ? { ...plan, extends: "base.yaml" } : plan));
      }),
      { numRuns: amount(1500, 90) },
    );
  });

  it("nor one that takes away what it inherits, wherever it does", () => {
    const taken = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyPlan, taken, fc.boolean(), (base, places, abstract) => {
        writeFileSync(join(folder, "base.yaml"), JSON.stringify({ ...base, ...(abstract && { abstract }) }));
        const paths = pathsIn(base);
        const nulls = places.map((place) => paths[Math.floor(place * paths.length)] ?? []);
        const plan = nulls.reduce<object>((data, path) => withNull(data, path), { extends: "base.yaml" });
        judge(JSON.stringify(plan));
        judgeBase(join(folder, "base.yaml"));
      }),
      { numRuns: amount(1500, 90) },
    );
  });

  it("nor over any inventory", () => {
    const names = fc.constantFrom(
      "all",
      "web",
      "db",
      "_meta",
      "hosts",
      "children",
      "hostvars",
      "a",
      "web-1",
      "ungrouped",
      "__proto__",
      "ansible_host",
      "ansible_port",
      "ansible_user",
      "bad name",
    );
    const leaf = fc.oneof(names, fc.integer(), fc.constant(null), fc.array(names, { maxLength: 3 }));
    const map = (inner: fc.Arbitrary<unknown>) => fc.dictionary(names, fc.oneof(leaf, inner), { maxKeys: 4 });
    const inventory = map(map(map(map(leaf))));
    const plan = fc.constantFrom(
      "",
      "hosts: { a: , 'web-[1-2]': { vars: { x: 1 } } }\n",
      "groups: { web: { batches: { hosts: 2 } } }\n",
    );
    fc.assert(
      fc.property(plan, inventory, (more, data) =>
        judge(`programs: x\nhosts_from: { ansible: x }\n${more}`, JSON.stringify(data)),
      ),
      { numRuns: amount(1500, 90) },
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
      "vars",
      "hooks",
      "before_host",
      "on_failure",
      "http",
      "tcp",
      "command",
      "run",
      "extends",
      "hosts_from",
      "ansible",
      "lock",
      "pause",
      "status",
      "abstract",
    ];
    const map = (inner: fc.Arbitrary<unknown>) => fc.dictionary(fc.constantFrom(...keys), inner, { maxKeys: 6 });
    const plan = map(fc.oneof(value, map(fc.oneof(value, map(value))), fc.array(map(value), { maxLength: 3 })));
    fc.assert(
      fc.property(plan, (data) => judge(JSON.stringify({ programs: "x", hosts: { "web-[1-2]": null }, ...data }))),
      { numRuns: amount(3000, 250) },
    );
  });

  it("never throws over any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => judge(text)),
      { numRuns: 1000 },
    );
  });
});
