import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import { loadPlan } from "../../../src/planner/plan/load.ts";
import type { HostName } from "../../../src/domain/ids.ts";
import type { HostSettings, Plan, PlanWave } from "../../../src/planner/plan/plan.ts";

const folder = join(import.meta.dirname, "good");

const ENV = { HOME: "/home/operator", PORT: "2222", SUDO: "true", STAGE: "north", EMPTY: "", TOKEN: "secret" };

/** The answer of ansible-inventory about `PATH`, in a file next to it. */
const inventory = (path: string) => readFileSync(`${path}.json`, "utf8");

/** Writes the actual result as the expected one, to be read with care: `UPDATE_EXPECTED=1`. */
const update = process.env["UPDATE_EXPECTED"] === "1";

describe("a good plan becomes hosts and waves with all settings", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    it(file, () => {
      const loaded = loadPlan(join(folder, file), ENV, { inventory });
      assert.ok(loaded.ok, loaded.ok ? "" : loaded.diagnostics.map(formatDiagnostic).join("\n"));
      const expected = join(folder, file.replace(/\.yaml$/, ".json"));
      if (update) writeFileSync(expected, write(loaded.plan));
      assert.equal(write(loaded.plan), readFileSync(expected, "utf8"));
    });
  }
});

/** One line for each host, group, wave and kind of settings in it, and the folder out of it. */
function write({ hosts, groups, waves, ...plan }: Plan): string {
  const text = JSON.stringify({ ...plan, hosts, groups: [...groups], waves: waves.map(writable) }, undefined, 2);
  return `${onOneLine(text)}\n`.replaceAll(folder, "FOLDER");
}

/** Hosts that share their settings come together. */
function writable({ hosts, ...wave }: PlanWave): unknown {
  const bySettings = new Map<HostSettings, HostName[]>();
  for (const { host, settings } of hosts) bySettings.set(settings, [...(bySettings.get(settings) ?? []), host]);
  return { ...wave, hosts: [...bySettings].map(([settings, names]) => ({ hosts: names, ...settings })) };
}

/** Joins what stands deeper than the items of the plan's own lists. */
function onOneLine(json: string): string {
  return json.replace(/\n {6,}(?!\{"hosts")/g, " ").replace(/\n {4}(?=[\]}])/g, " ");
}
