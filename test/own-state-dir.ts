import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let stateFolder: string | undefined;

/** Journals of tests go into a folder that is gone with the process that ran them. */
export function ownStateDir(): string {
  if (stateFolder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "orchestrate-state-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    stateFolder = made;
  }
  return stateFolder;
}
