import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { RolloutId } from "../domain/ids.ts";

const ENDING = ".ndjson";

/** Where journals are kept: `--state-dir`, `$ORCHESTRATE_STATE_DIR`, or `orchestrate` under the XDG state home. */
export function stateDir(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const fromEnv = env["ORCHESTRATE_STATE_DIR"];
  if (given !== undefined && given !== "") return given;
  if (fromEnv !== undefined && fromEnv !== "") return fromEnv;
  const xdg = env["XDG_STATE_HOME"];
  // An XDG path that is not absolute is to be ignored: https://specifications.freedesktop.org/basedir-spec
  return join(xdg?.startsWith("/") ? xdg : join(env["HOME"] ?? homedir(), ".local", "state"), "orchestrate");
}

/** The folder of one plan's journals. The hash of its real path keeps two plans called `prod` apart. */
export function planDir(state: string, plan: { readonly name: string; readonly file: string }): string {
  const hash = createHash("sha256").update(realpathSync(plan.file)).digest("hex").slice(0, 12);
  return join(state, `${plan.name}-${hash}`);
}

export function journalFile(dir: string, id: RolloutId): string {
  return join(dir, `${id}${ENDING}`);
}

/** The id of the rollout whose journal a file is; undefined for other files. */
export function rolloutOf(file: string): RolloutId | undefined {
  const name = basename(file);
  return name.endsWith(ENDING) ? (name.slice(0, -ENDING.length) as RolloutId) : undefined;
}
