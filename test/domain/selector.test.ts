import assert from "node:assert/strict";
import type { InstanceName } from "../../src/domain/ids.ts";
import { compileSelector } from "../../src/domain/selector.ts";

const instances = ["migrate", "queue:queue_00", "queue:queue_01", "web[1]"] as const;

function named(selector: string): string[] {
  return instances.filter((instance) => compileSelector(selector)(instance as InstanceName));
}

describe("what a pattern of programs names", () => {
  for (const [selector, wanted] of [
    ["*", [...instances]],
    ["queue", ["queue:queue_00", "queue:queue_01"]],
    ["queue:*_01", ["queue:queue_01"]],
    ["[mw]*", ["migrate", "web[1]"]],
    ["web[1]", ["web[1]"]],
    ["migrate:migrate", ["migrate"]],
  ] as const)
    it(`${selector} is ${wanted.join(" and ")}`, () => {
      assert.deepEqual(named(selector), wanted);
    });

  it("a star matches a slash, which is legal in a process name", () => {
    for (const selector of ["web:*", "web:a*", "web", "*", "web:a/b_00"])
      assert.ok(compileSelector(selector)("web:a/b_00" as InstanceName), selector);
  });

  it("[!m]* is all but what begins with m, as in a shell, and not the very ones", () => {
    assert.deepEqual(named("[!m]*"), ["queue:queue_00", "queue:queue_01", "web[1]"]);
    assert.deepEqual(named("[^m]*"), named("[!m]*"));
  });
});
