/**
 * `npm run bench`: what costs time, as ratios against a floor that is measured in the same run. Medians of several
 * runs, each pair one after the other, so that a machine whose speed drifts does not favour one side.
 * `npm run bench -- rollouts previews` takes only these parts.
 */
import { loadavg } from "node:os";
import { benchConnections } from "./connections.ts";
import { benchPlanning } from "./planning.ts";
import { benchPreviews } from "./previews.ts";
import { benchRollouts } from "./rollouts.ts";

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  planning: benchPlanning,
  rollouts: benchRollouts,
  previews: benchPreviews,
  connections: benchConnections,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0)
  throw new Error(`no part is called ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);

for (const [name, bench] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(
    `\n${name}; load of this machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  await bench();
}
