import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { boundedArgv, hostBoundMs } from "../../../src/hosts/connection/time-bound.ts";
import type { Argv } from "../../../src/executor/ports.ts";
import { findProgram } from "../../fleet/prerequisites.ts";
import { temporaryFolder } from "../fixtures.ts";

/** Stands for a real one: it grants all, or only what begins with a word, and notes what it was asked to run. */
const SUDO = `#!/bin/sh
[ "$1" = -n ] || exit 99
shift
list=; if [ "$1" = -l ]; then list=yes; shift; fi
case "$1" in $GRANTS) ;; *) echo "sudo: a password is required" >&2; exit 1;; esac
[ -z "$list" ] || exit 0
echo "$@" >> "$LOG"
exec "$@"
`;

describe("a command that is bounded on its host", () => {
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());

  /** A host that has these programs and no others. */
  function hostWith(name: string, programs: readonly string[], grants = "*") {
    const bin = `${folder}/${name}`;
    mkdirSync(bin);
    for (const program of programs) symlinkSync(findProgram(program) ?? "", `${bin}/${program}`);
    writeFileSync(`${bin}/sudo`, SUDO);
    chmodSync(`${bin}/sudo`, 0o755);
    const log = `${bin}.log`;
    writeFileSync(log, "");
    const env = { PATH: bin, LOG: log, GRANTS: grants };
    const run = (argv: Argv, timeoutMs: number) => {
      const [program, ...args] = boundedArgv(argv, timeoutMs);
      const { status, signal, stdout, stderr } = spawnSync(program, args, { env, encoding: "utf8" });
      return { status, signal, stdout, stderr };
    };
    return { run, sudoRan: () => readFileSync(log, "utf8").trimEnd() };
  }
  const all = ["sh", "timeout", "true", "echo", "sleep"];

  it("is ended there when its time is up, without our doing", () => {
    const { status, signal } = hostWith("usual", all).run(["sleep", "60"], 1000);
    assert.ok(signal === "SIGKILL" || status === 137, `${signal} ${status}`);
  });

  it("is ended at whole seconds, as every `timeout` understands them", () => {
    assert.deepEqual([1, 1000, 1001, 60_000].map(hostBoundMs), [1000, 1000, 2000, 60_000]);
  });

  it("runs as well where there is no `timeout`, or one that takes other arguments", () => {
    const done = { status: 0, signal: null, stdout: "a  b\n", stderr: "" };
    assert.deepEqual(hostWith("bare", ["sh", "echo"]).run(["echo", "a  b"], 1000), done);
    const old = hostWith("old", ["sh", "echo", "true"]);
    writeFileSync(`${folder}/old/timeout`, '#!/bin/sh\n[ "$1" = -t ] || exit 1\n');
    chmodSync(`${folder}/old/timeout`, 0o755);
    assert.deepEqual(old.run(["echo", "a  b"], 1000), done);
  });

  it("is bounded within sudo, since only root may kill what sudo started", () => {
    const host = hostWith("sudoers", all);
    assert.equal(host.run(["sudo", "-n", "echo", "a  b"], 60_000).stdout, "a  b\n");
    assert.match(host.sudoRan(), /^timeout -s KILL 60 sh -c exec "\$@" sh echo a {2}b$/);
  });

  it("is run by sudo as it is, where that is all that the sudoers grant", () => {
    const host = hostWith("strict", all, "echo");
    assert.deepEqual(host.run(["sudo", "-n", "echo", "a  b"], 2000), {
      status: 0,
      signal: null,
      stdout: "a  b\n",
      stderr: "",
    });
    assert.equal(host.sudoRan(), "echo a  b");
    assert.match(host.run(["sudo", "-n", "sleep", "0"], 2000).stderr, /^sudo: a password is required$/m);
  });
});
