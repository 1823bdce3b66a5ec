import { existsSync } from "node:fs";
import type { ReadInventory } from "../../planner/plan/inventory.ts";

/** Dynamic inventories ask a cloud for its hosts, which takes its time. */
const TIMEOUT_MS = 60_000;

const LARGEST_ANSWER = 256 * 1024 * 1024;

/** Has ansible-inventory, which knows all of Ansible's forms of inventories, read one. */
export const ansibleInventory: ReadInventory = (path) => {
  // Ansible itself only warns, and answers with no hosts at all.
  if (!existsSync(path)) return { problem: `there is no inventory ${JSON.stringify(path)}` };
  // Only here: most plans have no inventory, and Node takes longer to load this than to read a plan.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { error, status, signal, stdout, stderr } = spawnSync("ansible-inventory", ["-i", path, "--list"], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: LARGEST_ANSWER,
    // Nobody is there to answer a question, such as for a vault's password.
    stdio: ["ignore", "pipe", "pipe"],
  });
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOENT") {
    return {
      problem: "ansible-inventory is not installed here",
      suggestion: "install ansible-core, or list the hosts in the plan",
    };
  }
  if (code === "ETIMEDOUT") return { problem: `ansible-inventory did not answer within ${TIMEOUT_MS / 1000}s` };
  if (error) return { problem: `ansible-inventory could not be run: ${error.message}` };
  if (status === 0) return stdout;
  return { problem: `ansible-inventory failed (${signal ?? `exit ${status}`})`, ...lastLine(stderr) };
};

/** What it said at the end is most often why. */
function lastLine(stderr: string): { suggestion?: string } {
  const line = stderr.trim().split("\n").at(-1);
  return line === undefined || line === "" ? {} : { suggestion: `it says: ${line}` };
}
