import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { DURATION_PATTERN, parseDuration } from "../../../src/domain/duration.ts";
import { parseQuantity } from "../../../src/domain/quantity.ts";
import { parsePlan } from "../../../src/planner/plan/load.ts";
import { planSchema, resolved, type Schema } from "../../../src/planner/schema/plan-schema.ts";
import { violationsOf } from "../../../src/planner/schema/schema-errors.ts";

const definitions: Readonly<Record<string, Schema>> = planSchema.definitions;

/** Every key that a plan may have, with the way there; `*` is a name or an item of a list. */
function* keys(part: Schema = planSchema as Schema, path: readonly string[] = []): Generator<[string, Schema]> {
  const { properties = {}, items, additionalProperties: others } = resolved(part);
  for (const [name, property] of Object.entries(properties)) {
    yield [[...path, name].join("."), resolved(property)];
    yield* keys(property, [...path, name]);
  }
  for (const inner of [items, others]) if (typeof inner === "object") yield* keys(inner, [...path, "*"]);
}

/** Every key of a plan, with the way there, likewise. */
function* keysIn(value: unknown, part: Schema = planSchema as Schema, path: readonly string[] = []): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  const { properties = {}, items, additionalProperties: others } = resolved(part);
  for (const [name, inner] of Object.entries(value)) {
    const own = properties[name];
    const next = own ?? (Array.isArray(value) ? items : others);
    if (own) yield [...path, name].join(".");
    if (typeof next === "object") yield* keysIn(inner, next, [...path, own ? name : "*"]);
  }
}

/** Settings of a host, a group or a program are those of the plan, and all hooks have the same keys. */
function wherever(path: string): string {
  return path
    .replace(/^(hosts|groups)\.\*\./, "")
    .replace(/^programs\.\*\.(\*\.)?/, "")
    .replace(/^rollout\.\*\.action\./, "action.")
    .replace(/^(hooks|revert)\.\w+\./, "hooks.*.");
}

/** A smallest plan with one value put where its key belongs. */
function planWith(path: string, value: unknown): unknown {
  const parts = path.split(".");
  const [section] = parts;
  const inList = parts.includes("checks") || section === "rollout";
  const nested = parts.reduceRight((inner: unknown, part, index) => {
    if (part !== "*")
      return index === parts.length - 1 || parts[index + 1] !== "*"
        ? { ...companions(part, parts), [part]: inner }
        : { [part]: inner };
    // A program with settings is a map in a list, or has its key in a map.
    if (parts[index - 1] === "programs" && parts[index + 1] === "*") return [inner];
    return inList && index > parts.indexOf(section === "rollout" ? "rollout" : "checks") ? [inner] : { x: inner };
  }, value);
  return { hosts: { x: null }, ...(nested as object) };
}

/** What a key may not be without. */
function companions(key: string, path: readonly string[]): object {
  if (path[0] === "rollout" && key === "action") return { group: "x" };
  if (path.includes("hooks") || path.includes("revert"))
    return ["run", "timeout", "on_error"].includes(key) ? { command: "x" } : {};
  if (["from", "status", "passes", "timeout"].includes(key)) return { http: "http://x" };
  return key === "pause" ? { group: "x" } : {};
}

describe("the plan's JSON schema", () => {
  it("has for each key a description, and a message for a wrong value", () => {
    for (const [path, part] of keys()) {
      assert.ok((part.description ?? "").length > 10, path);
      assert.ok((part.errorMessage ?? part.kindMessage ?? "").startsWith("must "), path);
    }
  });

  it("knows no keys but its own", () => {
    for (const part of [planSchema, ...Object.values(definitions)] as Schema[]) {
      if (part.properties) assert.equal(part.additionalProperties, false);
    }
  });

  it("has an example or a default for each key with a value of its own, and they are valid", () => {
    for (const [path, part] of keys()) {
      if (part.properties && part.type !== undefined && !part.type.includes("string")) continue;
      const samples = [...(part.examples ?? []), ...("default" in part ? [part.default] : [])];
      assert.ok(samples.length > 0 || part.type === "boolean", path);
      for (const sample of samples)
        assert.deepEqual(violationsOf(planWith(path, sample)), [], `${path}: ${JSON.stringify(sample)}`);
    }
  });

  it("is used whole by the plan of the whole language, but for what is read from other files", () => {
    const file = join(import.meta.dirname, "../plan/good/whole-language.yaml");
    const used = new Set([...keysIn(parse(readFileSync(file, "utf8")))].map(wherever));
    const unused = [...keys()].map(([path]) => wherever(path)).filter((path) => !used.has(path));
    assert.deepEqual(unused, ["extends", "hosts_from", "hosts_from.ansible"]);
  });

  it("has the domain's own idea of durations and quantities", () => {
    assert.equal(planSchema.definitions.duration.pattern, DURATION_PATTERN.source);
    for (const sample of planSchema.definitions.duration.examples) assert.notEqual(parseDuration(sample), undefined);
    const quantity = new RegExp(planSchema.definitions.quantity.pattern, "u");
    for (const good of ["1", "999999", "1%", "33.3%", "100%", "100.0%"]) {
      assert.match(good, quantity);
      assert.ok(parseQuantity(good), good);
    }
    for (const bad of ["0", "01", "0%", "0.5%", "100.5%", "101%", "1000%", "-1%", "1 %", "%", "1e3", ""])
      assert.doesNotMatch(bad, quantity);
  });

  it("has the defaults that the contract names", () => {
    const loaded = parsePlan("programs: x\nhosts: { a: }\n", "plan.yaml", {});
    assert.ok(loaded.ok);
    const [wave] = loaded.plan.waves;
    const [host] = loaded.plan.hosts;
    assert.ok(wave && host);
    const { settings } = wave.hosts[0]!;
    assert.deepEqual(settings.timings, {
      between_checks_ms: 5_000,
      between_restarts_ms: 10_000,
      between_batches_ms: 0,
      min_healthy_time_ms: 5_000,
      stop_deadline_ms: 300_000,
      healthy_deadline_ms: 120_000,
      command_timeout_ms: 60_000,
      progress_deadline_ms: 600_000,
    });
    assert.deepEqual(settings, {
      action: "restart",
      config_changes: "warn",
      instances: { count: 1 },
      timings: settings.timings,
      checks: [],
      hooks: {},
      vars: {},
      stopped: "skip",
      exited: "skip",
      leftovers: "fail",
      on_expected_exit: "fail",
    });
    assert.deepEqual(wave.batches, { sizes: [{ count: 1 }], mode: "lockstep" });
    assert.deepEqual(loaded.plan.limits, {
      max_failures: { count: 0 },
      max_unreachable: { count: 0 },
      min_healthy: { count: 0 },
    });
    assert.deepEqual(loaded.plan.lock, { mode: "required", directory: "/tmp" });
    assert.equal(loaded.plan.on_failure, "stop");
    // What a plan leaves out of these is for ssh_config to say.
    assert.deepEqual(host.ssh, {});
    assert.deepEqual(host.supervisor, { command: "supervisorctl", sudo: false });
  });
});
