/**
 * Plays a scripted rollout into the tree, for tests and for looking at it:
 *
 *     node --import=tsx test/views/tree/play.ts SCENE [--speed N] [--until N[,N...] [--then die]]
 *
 * `--speed` divides the script's pauses; the times on the screen are what really passes. `--until` plays the first N
 * steps without pauses, waits for a key and plays on, without pauses too; with `--then die` it leaves the process
 * at the key without ending the view, as a bug would.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createTreeView } from "../../../src/views/tree/tree.ts";
import { recorded } from "../rollout-script.ts";
import { scenes } from "../scenes.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { speed: { type: "string", default: "1" }, until: { type: "string" }, then: { type: "string" } },
});
const [name = "small"] = positionals;
const scene = scenes[name];
if (!scene) throw new Error(`no scene "${name}"; there are ${Object.keys(scenes).join(", ")}`);

const view = await createTreeView(process.stdout, { plan: "plans/prod.yaml" });
const stops = values.until?.split(",").map(Number);
let steps = 0;
for (const step of scene()) {
  if (stops?.includes(steps++)) await aKey();
  if (typeof step !== "number") for (const event of recorded([step])) view.show(event);
  else if (!stops) await pause(step / Number(values.speed));
}
await view.end();

async function aKey(): Promise<void> {
  // Raw, so that the key is not echoed into the tree.
  process.stdin.setRawMode(true);
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.setRawMode(false).pause();
  if (values.then !== "die") return;
  process.stderr.write("a last word\n");
  process.exit(70);
}
