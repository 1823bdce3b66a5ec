import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planDir } from "../../src/state/state-dir.ts";
import { Terminal } from "../views/terminal.ts";
import { BUNDLE, inFolder, orchestrate, startOrchestrate } from "./orchestrate.ts";

/** Has mistakes, as a plan has while somebody writes it, and names that shells break at or must quote. */
const PLAN = `
programs: web
hosts:
  "node-[01-03].example.com":
  cache-1: { programs: ["mail:out", "jobs"] }
  tab-1: { adress: 10.0.0.1 }
groups:
  canary: { hosts: node-01.example.com }
  web: { hosts: "node-*", programs: "\${UNSET}" }
`;

const UNFINISHED = "20261122T100000Z-aaaa";
const FINISHED = "20261123T100000Z-bbbb";

const SHELLS = {
  bash: "bash --norc --noprofile -i",
  zsh: "zsh -f -i",
  fish: "fish --no-config -i",
};

const PREPARED = {
  bash: "PS1='> '; source <(orchestrate completion bash)",
  zsh: "PS1='> '; autoload -U compinit; compinit -u -d compdump; source <(orchestrate completion zsh)",
  fish: "set -g fish_autosuggestion_enabled 0; function fish_prompt; echo '> '; end; orchestrate completion fish | source",
};

/** What is typed before the tab key is pressed, and what the line is then. */
const LINES: readonly (readonly [typed: string, completed: string])[] = [
  ["orchestrate val", "orchestrate validate"],
  ["orchestrate pr", "orchestrate prod.yaml"],
  ["orchestrate deep/st", "orchestrate deep/stage.yml"],
  ["orchestrate validate prod.yaml deep/st", "orchestrate validate prod.yaml deep/stage.yml"],
  ["orchestrate prod.yaml --dry", "orchestrate prod.yaml --dry-run"],
  ["orchestrate status --wa", "orchestrate status --watch"],
  ["orchestrate prod.yaml --output pl", "orchestrate prod.yaml --output plain"],
  ["orchestrate prod.yaml --output=js", "orchestrate prod.yaml --output=json"],
  ["orchestrate prod.yaml --limit @ca", "orchestrate prod.yaml --limit @canary"],
  ["orchestrate prod.yaml --limit node-03", "orchestrate prod.yaml --limit node-03.example.com"],
  ["orchestrate status prod.yaml --exclude ca", "orchestrate status prod.yaml --exclude cache-1"],
  ["orchestrate ./prod.yaml --program mail:o", "orchestrate ./prod.yaml --program mail:out"],
  ["orchestrate prod.yaml --resume 2026", `orchestrate prod.yaml --resume ${UNFINISHED}`],
  ["orchestrate report 20261123", `orchestrate report ${FINISHED}`],
  ["orchestrate completion z", "orchestrate completion zsh"],
];

describe("completion", () => {
  for (const [shell, command] of Object.entries(SHELLS)) {
    it(`completes commands, options, plans, hosts, groups, programs and rollouts in ${shell}`, async () => {
      await inFolder(async (dir) => {
        layOut(dir);
        // tmux gives its shell a PATH of its own.
        const start = `cd '${dir}' && PATH='${dir}/bin':"$PATH" ${command}`;
        const env = { ORCHESTRATE_STATE_DIR: `${dir}/state`, HOME: dir, HISTFILE: "/dev/null" };
        const terminal = await Terminal.run(start, { columns: 110, rows: 30 }, env);
        try {
          await terminal.press(PREPARED[shell as keyof typeof PREPARED]);
          await terminal.press("Enter");
          await terminal.shows(/^> *$/m);
          for (const [typed, completed] of LINES) {
            await terminal.press("C-l");
            await terminal.press(typed);
            await terminal.press("Tab");
            await terminal.shows(new RegExp(`^> ?\\n?${escaped(completed)}( |$)`, "m"));
            await terminal.press("C-u");
          }
          // What a shell writes when it ends must not come into a folder that is being removed.
          await terminal.press("exit 0");
          await terminal.press("Enter");
          await terminal.shows(/^exit 0$/m);
        } finally {
          await terminal.close();
        }
      });
    });
  }

  it("offers every host and group of the plan, those that are excluded too, and no option twice", async () => {
    await inFolder(async (dir) => {
      layOut(dir);
      const plan = join(dir, "prod.yaml");
      const hosts = ["node-01.example.com", "node-02.example.com", "node-03.example.com", "cache-1", "tab-1"];
      assert.deepEqual(await offered(plan, "--limit", ""), ["@canary", "@web", ...hosts]);
      assert.deepEqual(
        await offered(plan, "--limit", "cache-1", "--exclude", "!n"),
        hosts.slice(0, 3).map((name) => `!${name}`),
      );
      assert.deepEqual(await offered(plan, "--program", ""), ["web", "mail:out", "jobs"]);
      const keys = await offered(plan, "--set", "");
      for (const key of ["batches.hosts=", "timings.min_healthy_time=", "on_failure=", "programs="])
        assert.ok(
          keys.some((word) => word.startsWith(key)),
          `${key} is not in ${keys.join(" ")}`,
        );
      assert.ok((await offered("--hosts", "web-1", "--")).some((word) => word.startsWith("--save-plan")));
      const options = await offered(plan, "--dry-run", "--limit", "cache-1", "--");
      assert.ok(!options.includes("--dry-run") && options.includes("--limit"), options.join(" "));
    });
  });

  it("says nothing where there is nothing to say: no plan, no state, a plan that is no YAML", async () => {
    await inFolder(async (dir) => {
      writeFileSync(join(dir, "torn.yaml"), "hosts: { a: [");
      for (const plan of ["missing.yaml", "torn.yaml"])
        for (const option of ["--limit", "--program", "--resume"]) {
          const ended = await startOrchestrate(["__complete", "zsh", plan, option, "x"], { cwd: dir }).ended;
          assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" });
        }
    });
  });

  it("refuses a shell that it does not know", async () => {
    const { code, stderr } = await orchestrate("completion", "tcsh");
    assert.equal(code, 2);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});

/** A folder to complete in: plans, a file that is none, the command, and two rollouts of the plan. */
function layOut(dir: string): void {
  const plan = join(dir, "prod.yaml");
  const journals = () => planDir(join(dir, "state"), { name: "prod", file: plan });
  mkdirSync(join(dir, "bin"));
  mkdirSync(join(dir, "deep"));
  symlinkSync(BUNDLE, join(dir, "bin", "orchestrate"));
  writeFileSync(plan, PLAN);
  writeFileSync(join(dir, "deep", "stage.yml"), PLAN);
  writeFileSync(join(dir, "deep", "stage.txt"), "");
  writeFileSync(join(dir, "prod.txt"), "");
  mkdirSync(journals(), { recursive: true });
  writeFileSync(join(journals(), `${UNFINISHED}.ndjson`), '{"type":"rollout.started"}\n');
  writeFileSync(join(journals(), `${FINISHED}.ndjson`), '{"type":"rollout.finished","outcome":"succeeded"}\n');
}

/** What stands at the end of a command line, for a shell that does not break words. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const { stdout } = await orchestrate("__complete", "zsh", ...words);
  return stdout.split("\n").flatMap((line) => (line === "" || line.startsWith(":") ? [] : [line.replace(/\t.*/, "")]));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
