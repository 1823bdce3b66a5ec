import assert from "node:assert/strict";
import { DURATION_PATTERN, parseDuration } from "../../src/domain/duration.ts";
import { parseQuantity } from "../../src/domain/quantity.ts";
import { parsePlan } from "../../src/planner/load.ts";
import { planSchema } from "../../src/planner/plan-schema.ts";
import { violationsOf } from "../../src/planner/validator.ts";

interface Part {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly errorMessage?: string;
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly additionalProperties?: boolean | Part;
  readonly properties?: Readonly<Record<string, Part>>;
}

const definitions: Readonly<Record<string, Part>> = planSchema.definitions;

function* keys(part: Part = planSchema, path = ""): Generator<[string, Part]> {
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const target = { ...definitions[property.$ref?.split("/").at(-1) ?? ""], ...property };
    yield [`${path}${name}`, target];
    yield* keys(target, `${path}${name}.`);
    if (typeof target.additionalProperties === "object") {
      yield* keys(definitions[target.additionalProperties.$ref?.split("/").at(-1) ?? ""], `${path}${name}.*.`);
    }
  }
}

/** A smallest plan with one value put where its key belongs. */
function planWith(path: string, value: unknown): unknown {
  const [first = "", ...rest] = path.split(".").map((part) => (part === "*" ? "x" : part));
  const nested = rest.reduceRight((inner: unknown, part) => ({ [part]: inner, ...(first === "groups" && part === "x" && { x: { hosts: "x", ...(inner as object) } }) }), value);
  return { programs: "x", hosts: { x: null }, [first]: nested };
}

describe("the plan's JSON schema", () => {
  it("tells of each key what it means, and what to say of a wrong value", () => {
    for (const [path, part] of keys()) {
      assert.ok((part.description ?? "").length > 10, path);
      assert.ok((part.errorMessage ?? "").startsWith("must "), path);
    }
  });

  it("knows no keys but its own", () => {
    for (const part of [planSchema, ...Object.values(definitions)] as Part[]) {
      if (part.properties) assert.equal(part.additionalProperties, false);
    }
  });

  it("has an example or a default for each key with a value of its own, and they are valid", () => {
    for (const [path, part] of keys()) {
      if (part.properties) continue;
      const samples = [...(part.examples ?? []), ...("default" in part ? [part.default] : [])];
      assert.ok(samples.length > 0 || part.type === "boolean", path);
      for (const sample of samples) assert.deepEqual(violationsOf(planWith(path, sample)), [], `${path}: ${JSON.stringify(sample)}`);
    }
  });

  it("has the domain's own idea of durations and quantities", () => {
    assert.equal(planSchema.definitions.duration.pattern, DURATION_PATTERN.source);
    for (const sample of planSchema.definitions.duration.examples) assert.notEqual(parseDuration(sample), undefined);
    const quantity = new RegExp(planSchema.definitions.quantity.pattern, "u");
    for (const good of ["1", "999999", "1%", "33.3%", "100%", "100.0%"]) {
      assert.match(good, quantity);
      assert.ok(parseQuantity(good), good);
    }
    for (const bad of ["0", "01", "0%", "0.5%", "100.5%", "101%", "1000%", "-1%", "1 %", "%", "1e3", ""]) assert.doesNotMatch(bad, quantity);
  });

  it("has the defaults that the contract names", () => {
    const loaded = parsePlan("programs: x\nhosts: { a: }\n", "plan.yaml", {});
    assert.ok(loaded.ok);
    const [wave] = loaded.plan.waves;
    const [host] = loaded.plan.hosts;
    assert.ok(wave && host);
    assert.deepEqual(wave.timings, {
      between_checks_ms: 5_000,
      between_restarts_ms: 10_000,
      between_batches_ms: 0,
      min_healthy_time_ms: 5_000,
      stop_deadline_ms: 300_000,
      healthy_deadline_ms: 120_000,
      command_timeout_ms: 60_000,
    });
    assert.deepEqual(wave.batches, { hosts: { count: 1 }, instances: { count: 1 } });
    assert.deepEqual(host.ssh, { connect_timeout_ms: 10_000 });
    assert.deepEqual(host.supervisor, { command: "supervisorctl", sudo: false });
  });
});
