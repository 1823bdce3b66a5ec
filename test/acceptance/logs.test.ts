import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFile, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { raiseFleet, type Fleet, type GroupOptions } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, writePlan } from "./orchestrate.ts";

/** What each program says on either stream when it fails at its start. */
const SAYS = {
  redirected: { stderr: "the cause" },
  both: { stderr: "a warning", stdout: "the cause" },
  old: { stdout: "the cause" },
  unknown: { stdout: "the cause" },
  silent: {},
  automatic: { stdout: "the cause" },
  coloured: { stderr: "\\033[31mthe cause\\033[0m" },
  own: { stderr: "a warning", stdout: "the cause" },
  unkept: { stdout: "the cause" },
  piped: { stdout: "the cause" },
} as const;

type Program = keyof typeof SAYS;

/** Of stdout and stderr, where that is not a file of its own. @param dir of all logs */
function kept(name: Program, dir: string): readonly string[] {
  switch (name) {
    case "redirected":
      return ["redirect_stderr=true"];
    case "automatic":
      return ["stdout_logfile=AUTO", "stderr_logfile=AUTO"];
    case "own":
      return ["stdout_logfile=/dev/stdout", "stdout_logfile_maxbytes=0", "redirect_stderr=true"];
    case "unkept":
      return ["stdout_logfile=NONE", "stderr_logfile=NONE"];
    case "piped":
      return [`stdout_logfile=${dir}/piped.pipe`, "stdout_logfile_maxbytes=0", "redirect_stderr=true"];
    case "unknown":
      // Nobody but supervisord knows what that is.
      return ["stdout_logfile=%(ENV_LOGS)s/unknown.out", "stderr_logfile=%(ENV_LOGS)s/unknown.err"];
    default:
      return [];
  }
}

/** Runs, unless there is a file called after it: then it says what it has to say and ends with 1. */
function script(name: Program): string {
  const { stderr, stdout } = SAYS[name] as { stderr?: string; stdout?: string };
  const says = [stderr && `printf '${stderr}\\n' >&2`, stdout && `printf '${stdout}\\n'`, "exit 1"].filter(Boolean);
  return `#!/bin/sh\nif [ -e "$1" ]; then\n${says.join("\n")}\nfi\nexec sleep 900\n`;
}

function group(name: Program, dir: string): GroupOptions {
  const command = `command=${join(dir, name)} ${join(dir, name)}.bad`;
  const logs = [`stdout_logfile=${dir}/%(program_name)s.out`, `stderr_logfile=${dir}/%(program_name)s.err`];
  return { name, processes: 1, bare: true, startretries: 0, extraLines: [command, ...logs, ...kept(name, dir)] };
}

/** Past supervisorctl, and by it. */
const WAYS = ["one supervisorctl for all", "XML-RPC"] as const;

describe("the log in the report of a failure", () => {
  let fleet: Fleet;
  /** Of the programs and their logs. */
  let dir: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "logs-"));
    const programs = Object.keys(SAYS) as Program[];
    for (const name of programs) await writeFile(join(dir, name), script(name), { mode: 0o755 });
    fleet = await raiseFleet({ hosts: 1, groups: programs.map((name) => group(name, dir)), env: { LOGS: dir } });
  });
  after(async () => {
    await fleet.down();
    await rm(dir, { recursive: true });
  });

  /** Restarts programs that all fail with that, and are mended afterwards. */
  async function failures(programs: readonly Program[], way: (typeof WAYS)[number] = WAYS[0]) {
    const host = fleet.host("host-1");
    const server_url = `unix://${join(host.dir, "s.sock")}`;
    const supervisor = { config: host.supervisorConfig, ...(way === "XML-RPC" && { server_url }) };
    const hosts = { "host-1": { address: host.address, supervisor } };
    const plan = await writePlan(fleet, { programs, hosts, limits: { max_failures: "100%" } });
    for (const program of programs) await writeFile(join(dir, `${program}.bad`), "");
    const ended = await orchestrate(plan, "--output", "json");
    for (const program of programs) await rm(join(dir, `${program}.bad`));
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const failed = eventsOf(ended).filter((event) => event.type === "instance.failed");
    assert.equal(failed.length, programs.length, ended.stdout);
    const { stdout } = await orchestrate("report", failed[0]?.rollout ?? "");
    const reports = stdout.split("\n  host-1 ").slice(1);
    // For the other way.
    for (const program of programs) await host.start(program);
    return (program: Program) => {
      const failure = failed.find(({ instance }) => instance === program);
      const report = reports.find((text) => text.startsWith(`${program}:`));
      assert.ok(failure && report !== undefined, stdout);
      return { failure, report };
    };
  }

  for (const way of WAYS)
    describe(`where looks go by ${way}`, () => {
      let of: Awaited<ReturnType<typeof failures>>;
      before(async () => {
        const old = Array.from({ length: 1000 }, (_, line) => `wrong since last week: ${line}\n`).join("");
        for (const program of ["old", "unknown"]) await writeFile(join(dir, `${program}.err`), old);
        of = await failures(["redirected", "old", "unknown", "both"], way);
      });

      it("is stdout's where stderr goes there (redirect_stderr)", () => {
        const { failure, report } = of("redirected");
        assert.equal(failure.log, "stdout");
        assert.match(failure.log_tail, /^the cause$/m);
        assert.match(report, /the end of its stdout log:\n +\| (?:.*\n +\| )*the cause/);
      });

      for (const [where, program] of [
        ["in a file that we know", "old"],
        ["in a file that only supervisord knows", "unknown"],
      ] as const)
        it(`is stdout's where what stderr has is older than the restart, ${where}`, () => {
          const { failure, report } = of(program);
          assert.equal(failure.log, "stdout");
          assert.match(failure.log_tail, /the cause/);
          assert.doesNotMatch(JSON.stringify(failure) + report, /last week/);
        });

      it("is stderr's, and stdout's with it where both have something to say", () => {
        const { failure, report } = of("both");
        assert.equal(failure.log, "stderr");
        assert.match(failure.log_tail, /^(?:a warning\n?)+$/);
        assert.match(failure.stdout_tail ?? "", /the cause/);
        assert.match(
          report,
          /the end of its stderr log:\n(?: +\| a warning\n)+ +the end of its stdout log:\n(?: +\| .*\n)* +\| the cause/,
        );
      });
    });

  describe("where supervisorctl is not enough", () => {
    let of: Awaited<ReturnType<typeof failures>>;
    before(async () => {
      const logs = join(fleet.host("host-1").dir, "log");
      const [file = ""] = execFileSync("find", [logs, "-name", "automatic-stderr---*"], { encoding: "utf8" }).split(
        "\n",
      );
      await writeFile(file, "wrong since last week\n");
      await utimes(file, 1_700_000_000, 1_700_000_000);
      await appendFile(join(dir, "silent.err"), "wrong since last week\n");
      const pipe = join(dir, "piped.pipe");
      execFileSync("sh", ["-c", 'rm "$1"; mkfifo "$1"', "sh", pipe]);
      // supervisord opens it for writing, which waits for a reader.
      const reader = spawn("sh", ["-c", 'exec 3<>"$1"; exec sleep 900', "sh", pipe], { stdio: "ignore" });
      const programs = ["automatic", "coloured", "silent", "own", "unkept", "piped"] as const;
      of = await failures(programs).finally(() => reader.kill("SIGKILL"));
    });

    it("is found where Supervisor has chosen its file (AUTO), and compared with the restart there, too", () => {
      const { failure } = of("automatic");
      assert.deepEqual([failure.log, failure.log_tail], ["stdout", "the cause"]);
    });

    it("is read from its file where it has colours, which supervisorctl cannot print", () => {
      const { failure } = of("coloured");
      assert.deepEqual([failure.log, failure.log_tail], ["stderr", "\u001b[31mthe cause\u001b[0m"]);
    });

    for (const [program, words] of [
      ["silent", /^\(nothing was written to its stderr log since its restart; .*\)$/],
      ["own", /^\(its stderr goes to its stdout .*; its stdout goes to \/dev\/stdout, .*the container's log\)$/],
      ["unkept", /^\(its stderr is not kept \(stderr_logfile=NONE\); its stdout is not kept .*\)$/],
      // Nothing waits for it: supervisord is not asked to read it.
      ["piped", /its stdout log \S+\.pipe is not a file\)$/],
    ] as const)
      it(`says where it goes, or that there is none, where there is nothing to read: ${program}`, () => {
        const { failure, report } = of(program);
        assert.equal(failure.log, undefined);
        assert.match(failure.log_tail, words);
        assert.ok(report.includes(failure.log_tail.slice(1, -1)), report);
      });
  });
});
