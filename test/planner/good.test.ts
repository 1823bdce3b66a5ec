import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../../src/planner/diagnostic.ts";
import { loadPlan } from "../../src/planner/load.ts";
import type { Plan } from "../../src/planner/plan.ts";

const folder = join(import.meta.dirname, "good");

/** Writes what comes now as what is expected, to be read with care: `UPDATE_EXPECTED=1`. */
const update = process.env["UPDATE_EXPECTED"] === "1";

describe("a good plan becomes hosts and waves with all settings", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    it(file, () => {
      const loaded = loadPlan(join(folder, file), { HOME: "/home/operator" });
      assert.ok(loaded.ok, loaded.ok ? "" : loaded.diagnostics.map(formatDiagnostic).join("\n"));
      const expected = join(folder, file.replace(/\.yaml$/, ".json"));
      if (update) writeFileSync(expected, write(loaded.plan));
      assert.equal(write(loaded.plan), readFileSync(expected, "utf8"));
    });
  }
});

/** One line for each host, group and wave, and the folder out of it. */
function write({ name, file, hosts, groups, waves }: Plan): string {
  const list = (items: readonly unknown[]) => `[${items.map((item) => `\n    ${JSON.stringify(item)}`).join(",")}\n  ]`;
  const text = `{
  "name": ${JSON.stringify(name)},
  "file": ${JSON.stringify(file)},
  "hosts": ${list(hosts)},
  "groups": ${list([...groups])},
  "waves": ${list(waves)}
}
`;
  return text.replaceAll(folder, "FOLDER");
}
