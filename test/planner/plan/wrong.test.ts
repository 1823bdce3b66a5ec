import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import type { ReadInventory } from "../../../src/planner/plan/inventory.ts";
import { loadPlan } from "../../../src/planner/plan/load.ts";

const folder = join(import.meta.dirname, "wrong");

/** Writes the actual diagnostics as the expected ones, to be read with care: `UPDATE_EXPECTED=1`. */
const update = process.env["UPDATE_EXPECTED"] === "1";

const inventory: ReadInventory = (path) => {
  if (path.endsWith("missing.ini"))
    return { problem: "ansible-inventory is not installed here", suggestion: "install ansible-core" };
  return path.endsWith("templates.ini")
    ? JSON.stringify({
        _meta: { hostvars: { a: { ansible_host: "{{ ip }}", ansible_port: "22x" } } },
        all: { children: ["ungrouped"] },
        ungrouped: { hosts: ["a"] },
      })
    : "no json";
};

describe("a wrong plan gets every error, each once, at its line", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    it(file, () => {
      const loaded = loadPlan(join(folder, file), { HOME: "/home/operator", STAGE: "prod" }, { inventory });
      assert.ok(!loaded.ok, "the plan is in order");
      const said = loaded.diagnostics
        .map(
          (diagnostic) =>
            formatDiagnostic({ ...diagnostic, file: relative(folder, diagnostic.file) }).replaceAll(`${folder}/`, "") +
            "\n",
        )
        .join("");
      const expected = join(folder, file.replace(/\.yaml$/, ".txt"));
      if (update) writeFileSync(expected, said);
      assert.equal(said, readFileSync(expected, "utf8"));
    });
  }

  it("has an expected text for each plan and a plan for each expected text", () => {
    for (const name of readdirSync(folder).filter((entry) => /\.(yaml|txt)$/.test(entry))) {
      assert.ok(
        existsSync(
          join(folder, name.endsWith(".txt") ? name.replace(/\.txt$/, ".yaml") : name.replace(/\.yaml$/, ".txt")),
        ),
        name,
      );
    }
  });
});
