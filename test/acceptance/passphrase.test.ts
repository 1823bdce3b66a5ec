import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { Terminal } from "../views/terminal.ts";
import { BUNDLE, inFolder, orchestrate, writePlan } from "./orchestrate.ts";

const run = promisify(execFile);
const passphrase = "correct-horse-battery";

describe("a key with a passphrase", () => {
  let fleet: Fleet;
  let plan: string;
  before(async () => {
    fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 1 }] });
    await run("ssh-keygen", ["-q", "-p", "-P", "", "-N", passphrase, "-f", fleet.identityFile]);
    plan = await writePlan(fleet, { lock: { mode: "off" } });
  });
  after(() => fleet.down());

  /** Runs the plan at a terminal that is wide enough for any line. */
  async function atTerminal(args: string, use: (terminal: Terminal, stateDir: string) => Promise<void>): Promise<void> {
    await inFolder(async (stateDir) => {
      const command = `SSH_AUTH_SOCK= '${process.execPath}' '${BUNDLE}' '${plan}' --state-dir '${stateDir}' ${args}`;
      const terminal = await Terminal.run(command, { columns: 300, rows: 40 });
      try {
        await use(terminal, stateDir);
      } finally {
        await terminal.close();
      }
    });
  }

  /** Types a line unseen: the screen must go on to what comes then. */
  async function type(terminal: Terminal, text: string): Promise<void> {
    for (const key of [text, "Enter"]) await terminal.press(key);
  }

  it("is asked for once, unseen, before anything starts, and stands nowhere afterwards", () =>
    atTerminal("--output plain", async (terminal, stateDir) => {
      await terminal.shows(/Passphrase of \S+identity, for host-\[1-2\]:\s*$/);
      await type(terminal, "wrong-horse");
      await terminal.shows(/Wrong passphrase\.\s+Passphrase of/);
      // Backspace takes back what was typed too much.
      await terminal.press(`${passphrase}x`);
      await terminal.press("BSpace");
      await terminal.press("Enter");
      await terminal.shows(/exit 0/);
      const shown = await terminal.screen({ scrollback: true });
      assert.equal(shown.match(/Passphrase of/g)?.length, 2);
      assert.doesNotMatch(shown, /horse/);
      const journals = (await readdir(stateDir, { recursive: true })).filter((name) => name.endsWith(".ndjson"));
      assert.equal(journals.length, 1);
      for (const name of journals) assert.doesNotMatch(await readFile(join(stateDir, name), "utf8"), /horse/);
    }));

  it("that nobody knows is asked for three times, then the hosts say that they need it", () =>
    atTerminal("--dry-run", async (terminal) => {
      for (let times = 1; times <= 3; times += 1) {
        await terminal.shows(new RegExp(`(Passphrase of[^]*){${times}}:\\s*$`));
        await type(terminal, "wrong-horse");
      }
      await terminal.shows(/authentication_failed[^]*has a passphrase[^]*exit 3/);
    }));

  for (const [key, what] of [
    ["Enter", "Enter alone goes on without it"],
    ["C-d", "Ctrl-D goes on without it"],
  ] as const)
    it(what, () =>
      atTerminal("--dry-run", async (terminal) => {
        await terminal.shows(/Passphrase of/);
        await terminal.press(key);
        await terminal.shows(/authentication_failed[^]*exit 3/);
      }),
    );

  it("and Ctrl-C leaves, with nothing begun", () =>
    atTerminal("", async (terminal) => {
      await terminal.shows(/Passphrase of/);
      await terminal.press("C-c");
      await terminal.shows(/interrupted: \S+: nothing was changed[^]*exit 4/);
    }));

  it("is not asked for where there is no terminal: the refusal says what to do", async () => {
    const { code, stderr } = await orchestrate(plan);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /authentication_failed[^]*identity has a passphrase: add it to the agent with `ssh-add \S+identity`/,
    );
  });
});
