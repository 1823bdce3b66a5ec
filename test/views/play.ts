/**
 * Plays a scripted rollout into the tree, for tests and for looking at it:
 *
 *     npx tsx test/views/play.ts small|large|halted|interrupted|refused|waves [speed]
 *
 * `speed` divides the script's pauses; the times on the screen are what really passes. With `hold`, it stops at the
 * end of the script without ending the view, until its stdin ends.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import { createTreeView } from "../../src/views/tree.ts";
import { scenes, type Scene } from "./scenes.ts";

const [name = "small", speed = "1", hold] = process.argv.slice(2);

async function play(scene: Scene): Promise<void> {
  const view = await createTreeView(process.stdout, { plan: "plans/prod.yaml" });
  let seq = 0;
  for (const step of scene) {
    if (typeof step === "number") await pause(step / Number(speed));
    else view.show(recordedNow(step, ++seq));
  }
  if (hold !== undefined) await new Promise((resolve) => process.stdin.once("end", resolve).resume());
  await view.end();
}

function recordedNow(event: RolloutEvent, seq: number): RecordedEvent {
  return { v: 1, seq, at: new Date().toISOString(), rollout: "20261122T100000Z-4f2a", ...event } as RecordedEvent;
}

const scene = scenes[name];
if (!scene) throw new Error(`no scene "${name}"; there are ${Object.keys(scenes).join(", ")}`);
await play(scene());
