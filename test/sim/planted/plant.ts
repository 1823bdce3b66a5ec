import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { firstViolated } from "../spread.ts";
import type { Violated } from "../ways.ts";
import type { PlantedFault } from "./faults.ts";

const ROOT = new URL("../../../", import.meta.url);

/** The sources that have a fault in them, by their paths in the project. Throws where an edit no longer applies. */
export function planted({ name, edits }: PlantedFault): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = texts.get(file) ?? readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8");
    const places = text.split(from).length - 1;
    if (places !== 1) throw new Error(`the planted fault ${name} does not apply: ${file} has ${places} times ${from}`);
    texts.set(
      file,
      text.replace(from, () => to),
    );
  }
  return texts;
}

/** The first seed that finds a fault, and by what; undefined if so many do not. */
export function findPlanted(fault: PlantedFault, seeds: number): Promise<Violated | undefined> {
  return firstViolated(planted(fault), seeds);
}
