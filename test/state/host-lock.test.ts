import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as theNextTurn } from "node:timers/promises";
import type { HostName, ProgramName, RolloutId } from "../../src/domain/ids.ts";
import type { HostAccess, HostLock, PidOutcome, TakeOutcome } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import type { Silence } from "../../src/state/heartbeat.ts";
import { createHostLock } from "../../src/state/host-lock.ts";
import { createLockReader } from "../../src/state/lock-reader.ts";
import { until } from "../fleet/until.ts";

const web = ["web"] as readonly string[] as readonly ProgramName[];
const UNKNOWN: PidOutcome = { kind: "unknown" };
/** Long enough for a busy machine, which may pause any process for some 2 s. */
const SHORT: Silence = { holderMs: 5000, controllerMs: 3750, beatEveryMs: 250 };

describe("the lock of a host", () => {
  let dir: string;
  const locks: HostLock[] = [];
  beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), "orchestrate-lock-"))));
  afterEach(async () => {
    for (const lock of locks.splice(0)) await lock.release();
    await rm(dir, { recursive: true });
  });

  interface Options {
    readonly reason?: string;
    readonly silence?: Silence;
    readonly access?: HostAccess;
    readonly supervisorPid?: () => PidOutcome | Promise<PidOutcome>;
    readonly session?: string;
  }

  function lockOf(
    who: string,
    { reason, silence, access, supervisorPid = () => UNKNOWN, session }: Options = {},
  ): HostLock {
    const lock = createHostLock(access ?? openLocal("here" as HostName), {
      directory: dir,
      supervisorPid: async () => supervisorPid(),
      words: "supervisord",
      isOfAccount: false,
      mayBeElsewhere: false,
      owner: {
        rollout: `rollout-of-${who}` as RolloutId,
        who,
        since: new Date().toISOString(),
        ...(reason !== undefined && { reason }),
      },
      ...(silence && { silence }),
      ...(session !== undefined && { session: ["sh", "-c", session] }),
    });
    locks.push(lock);
    return lock;
  }

  const held: TakeOutcome = { kind: "held" };

  /** As if somebody had: not even its timers go on. */
  function stopThisProcess(forMs: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
  }

  async function untilHeld(lock: HostLock): Promise<void> {
    await until(async () => (await lock.take(web)).kind === "held", { deadlineMs: 10_000 });
  }

  it("is one operator's; another is told whose it is, since when and why", async () => {
    assert.deepEqual(await lockOf("alice@laptop", { reason: 'it\'s a "deploy" $HOME' }).take(web), held);
    const refused = await lockOf("bob@desk").take(web);
    assert.ok(refused.kind === "locked");
    assert.equal(refused.holder.group, "web");
    assert.equal(refused.holder.owner?.who, "alice@laptop");
    assert.equal(refused.holder.owner.reason, 'it\'s a "deploy" $HOME');
    assert.ok(Date.parse(refused.holder.owner.since) > 0);
  });

  it("opens nothing for what was released before it could begin: nobody would close it", async () => {
    const here = openLocal("here" as HostName);
    let opened = 0;
    const access: HostAccess = {
      host: here.host,
      connect: () => here.connect(),
      run: (argv, options) => here.run(argv, options),
      spawn: (argv) => (opened++, here.spawn(argv)),
      dial: (to) => here.dial(to),
      close: () => here.close(),
    };
    for (const act of ["prepare", "take"] as const) {
      let answer: (pid: PidOutcome) => void = () => undefined;
      const asked = new Promise<PidOutcome>((resolve) => (answer = resolve));
      const lock = lockOf("alice", { access, supervisorPid: () => asked });
      const acted = lock[act](web);
      // The take is at its own spawn then.
      await theNextTurn();
      await lock.release();
      answer({ kind: "known", pid: 1 });
      await acted;
      await theNextTurn();
    }
    assert.equal(opened, 0);
  });

  it("is one for each Supervisor group, whatever characters it is made of", async () => {
    const groups = ["web", "*", "a'b", "../../etc", "$(id)", "é"] as readonly string[] as readonly ProgramName[];
    assert.deepEqual(await lockOf("alice").take(groups), held);
    for (const group of groups) {
      const refused = await lockOf("bob").take([group]);
      assert.ok(refused.kind === "locked");
      assert.equal(refused.holder.group, group);
    }
    assert.deepEqual(await lockOf("bob").take(["other" as ProgramName]), held);
    for (const file of await readdir(dir)) assert.match(file, /^orchestrate-supervisord-[\w%.-]+\.lock(\.by-\d+)?$/);
  });

  it("is free after a release, and can be taken again", async () => {
    const [alice, bob] = [lockOf("alice"), lockOf("bob")];
    assert.deepEqual(await alice.take(web), held);
    // A release waits for the end of its holder, but not for ever.
    await alice.release();
    await untilHeld(bob);
    assert.equal((await alice.take(web)).kind, "locked");
    await bob.release();
    await untilHeld(alice);
  });

  it("is not free before the last command of its holder has ended", async () => {
    const go = join(dir, "go");
    const [alice, bob] = [lockOf("alice"), lockOf("bob")];
    await alice.take(web);
    const change = alice.run(["sh", "-c", `while [ ! -e ${go} ]; do sleep 0.05; done; echo done > ${dir}/done`]);
    await until(async () => (await alice.run(["true"])).kind === "exited", { deadlineMs: 5000 });
    await alice.release();
    assert.equal((await bob.take(web)).kind, "locked");
    await writeFile(go, "");
    await untilHeld(bob);
    assert.ok((await readdir(dir)).includes("done"));
    assert.equal((await change).kind, "exited");
  });

  it("runs commands with their arguments as they are, several at once, and tells how they ended", async () => {
    const lock = lockOf("alice");
    await lock.take(web);
    const odd = [
      "it's",
      '"',
      "\\",
      "$HOME",
      "%s",
      "a  b",
      "é",
      "line\nbreak",
      "tab\t",
      "\\n",
      "-n",
      "*",
      "/*",
      "[a-z]*",
    ];
    const printed = await lock.run(["printf", "<%s>", ...odd]);
    assert.deepEqual(printed, { kind: "exited", code: 0, stdout: odd.map((text) => `<${text}>`).join(""), stderr: "" });
    const read = await lock.run(["cat"], { stdin: "it's * ?\n\\n [a] $HOME\n" });
    assert.equal(read.kind === "exited" && read.stdout, "it's * ?\n\\n [a] $HOME\n");
    const codes = await Promise.all([0, 1, 7, 255].map((code) => lock.run(["sh", "-c", `exit ${code}`])));
    assert.deepEqual(
      codes.map((outcome) => outcome.kind === "exited" && outcome.code),
      [0, 1, 7, 255],
    );
    assert.deepEqual(await lock.run(["sleep", "60"], { timeoutMs: 1000 }), { kind: "timed_out", afterMs: 1000 });
    const much = await lock.run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo the end"]);
    assert.ok(much.kind === "exited");
    assert.match(much.stdout, /^x+the end\n$/);
  });

  it("is let go by the host when the controller is silent, and then stays lost to it", async () => {
    const alice = lockOf("alice", { silence: SHORT });
    assert.deepEqual(await alice.take(web), held);
    // Its record is gone when the host has let go, and no earlier: a beat could still be heard.
    const hasRecord = () => readdirSync(dir).some((name) => name.includes(".by-"));
    assert.ok(hasRecord());
    const givesUpAtMs = performance.now() + 30_000;
    while (hasRecord() && performance.now() < givesUpAtMs) stopThisProcess(50);
    assert.match((await alice.lost).reason, /released the lock/);
    const lost = await alice.run(["touch", join(dir, "changed")]);
    assert.equal(lost.kind, "lock_lost");
    assert.equal((await alice.awaitOutcome()).kind, "lock_lost");
    await untilHeld(lockOf("bob"));
    assert.ok(!(await readdir(dir)).includes("changed"));
  });

  it("cannot be lost where the plan wants none: after a silence changes are let through again", async () => {
    const alice = lockOf("alice", { silence: SHORT });
    assert.deepEqual(await alice.take([]), held);
    stopThisProcess(SHORT.holderMs + 1500);
    assert.equal((await alice.run(["true"])).kind, "exited");
  });

  it("is kept for as long as the controller is there", async () => {
    const [alice, bob] = [lockOf("alice", { silence: SHORT }), lockOf("bob")];
    assert.deepEqual(await alice.take(web), held);
    const atMs = performance.now() + SHORT.holderMs + 1000;
    await until(() => performance.now() >= atMs, { deadlineMs: 30_000 });
    assert.equal((await bob.take(web)).kind, "locked");
    assert.equal((await alice.run(["true"])).kind, "exited");
  });

  it("is taken again after its connection was lost, and settles when what was under way has ended", async () => {
    const go = join(dir, "go");
    const losing = losingAccess();
    const alice = lockOf("alice", { access: losing });
    await alice.take(web);
    const change = alice.run(["sh", "-c", `touch ${dir}/begun; while [ ! -e ${go} ]; do sleep 0.05; done`]);
    await until(async () => (await readdir(dir)).includes("begun"), { deadlineMs: 5000 });
    losing.lose();
    assert.equal((await change).kind, "indeterminate");
    let isSettled = false;
    const awaited = alice.awaitOutcome().then((outcome) => {
      isSettled = true;
      return outcome;
    });
    assert.equal((await lockOf("bob").take(web)).kind, "locked");
    assert.equal(isSettled, false);
    await writeFile(go, "");
    assert.deepEqual(await awaited, { kind: "ended" });
    assert.equal((await alice.run(["true"])).kind, "exited");
  });

  it("is not taken for lost by sleep when its connection comes back after long and is lost again at once", async () => {
    const losing = losingAccess();
    const alice = lockOf("alice", { access: losing, silence: SHORT });
    assert.deepEqual(await alice.take(web), held);
    losing.lose({ comesBack: false });
    const atMs = performance.now() + SHORT.holderMs;
    await until(() => performance.now() >= atMs, { deadlineMs: 30_000 });
    const awaited = alice.awaitOutcome();
    losing.comeBack();
    assert.deepEqual(await awaited, { kind: "ended" });
    losing.lose();
    await theNextTurn();
    assert.equal((await alice.run(["true"])).kind, "exited");
  });

  it("is not taken behind its back by what was on its way to take it again before it was released", async () => {
    const losing = losingAccess();
    const going: (() => void)[] = [];
    const ended: number[] = [];
    // Each process but the first is started when the test lets it.
    const access: HostAccess = {
      ...losing,
      async spawn(argv) {
        const number = going.length;
        await new Promise<void>((resolve) => (going.push(resolve), number === 0 && resolve()));
        const spawned = await losing.spawn(argv);
        if (spawned.kind === "spawned") void spawned.process.closed.then(() => ended.push(number));
        return spawned;
      },
    };
    const hasRecord = () => readdirSync(dir).some((name) => name.includes(".by-"));
    const alice = lockOf("alice", { access });
    assert.deepEqual(await alice.take(web), held);
    losing.lose();
    await until(() => going.length === 2 && !hasRecord(), { deadlineMs: 20_000, what: "it is being taken again" });
    await alice.release();
    const again = alice.take(web);
    await until(() => going.length === 3, { deadlineMs: 20_000, what: "it is being taken by the next" });
    going[1]?.();
    await until(() => ended.includes(1) || hasRecord(), {
      deadlineMs: 20_000,
      what: "the late one has come to its end",
    });
    going[2]?.();
    assert.deepEqual(await again, held);
  });

  it("is free for the next try when a try that was asked is given up: it does not find itself there", async () => {
    const lock = lockOf("alice");
    for (let tries = 0; tries < 5; tries++) {
      const given = lock.take(web);
      await until(() => readdirSync(dir).length > 0, { deadlineMs: 20_000 });
      await lock.release();
      const again = await lock.take(web);
      assert.deepEqual(again, held, `${tries}`);
      await given;
      await lock.release();
      await rm(dir, { recursive: true });
      await mkdir(dir);
    }
  });

  it("is lost for good if somebody else has it when the connection is back", async () => {
    const losing = losingAccess();
    const [alice, bob] = [lockOf("alice", { access: losing }), lockOf("bob")];
    await alice.take(web);
    losing.lose({ comesBack: false });
    await untilHeld(bob);
    losing.comeBack();
    // Known without any command: who waits in a pause is to learn of it, too.
    assert.match((await alice.lost).reason, /bob/);
    assert.deepEqual(await alice.run(["true"]), await alice.lost);
  });

  describe("of a supervisord that is known by its pid", () => {
    const NOBODY: PidOutcome = { kind: "unavailable", reason: "supervisorctl gave no answer" };
    let known: PidOutcome;
    let end: () => Promise<unknown>;
    beforeEach(() => {
      const supervisord = spawn("sh", ["-c", "read line", "supervisord"], { stdio: ["pipe", "ignore", "ignore"] });
      assert.ok(supervisord.pid !== undefined);
      known = { kind: "known", pid: supervisord.pid };
      end = () => {
        supervisord.stdin.end();
        return once(supervisord, "close");
      };
    });
    afterEach(() => end());

    for (const now of [NOBODY, UNKNOWN])
      it(`is the same one when its connection is back and the pid is ${now.kind} for now`, async () => {
        const losing = losingAccess();
        let told = known;
        const alice = lockOf("alice", { access: losing, supervisorPid: () => told });
        const bob = lockOf("bob", { supervisorPid: () => known });
        assert.deepEqual(await alice.take(web), held);
        told = now;
        losing.lose();
        // Until the loss is known, it settles by the lock that is lost, and bob may be quicker than the next one.
        await theNextTurn();
        assert.deepEqual(await alice.awaitOutcome(), { kind: "ended" });
        assert.equal((await bob.take(web)).kind, "locked");
      });

    it("keeps its name when the pid gets known later: it is not had again before its last command has ended", async () => {
      const go = join(dir, "go");
      const losing = losingAccess();
      let told: PidOutcome = UNKNOWN;
      const alice = lockOf("alice", { access: losing, supervisorPid: () => told });
      assert.deepEqual(await alice.take(web), held);
      const change = alice.run(["sh", "-c", `touch ${dir}/begun; while [ ! -e ${go} ]; do sleep 0.05; done`]);
      await until(async () => (await readdir(dir)).includes("begun"), { deadlineMs: 20_000 });
      told = known;
      losing.lose();
      assert.equal((await change).kind, "indeterminate");
      let isSettled = false;
      const awaited = alice.awaitOutcome().then(() => (isSettled = true));
      assert.equal((await lockOf("bob").take(web)).kind, "locked");
      assert.equal(isSettled, false);
      await writeFile(go, "");
      await awaited;
    });

    it("is not taken under another name while nobody answers for the pid: others may know it", async () => {
      assert.deepEqual(await lockOf("bob", { supervisorPid: () => known }).take(web), held);
      const alice = lockOf("alice", { supervisorPid: () => NOBODY });
      alice.prepare(web);
      assert.deepEqual(await alice.take(web), { kind: "unavailable", reason: NOBODY.reason });
    });
  });

  it("tells what the host lacks, or that its folder cannot be used", async () => {
    await rm(dir, { recursive: true });
    assert.deepEqual(await lockOf("alice").take(web), {
      kind: "unavailable",
      reason: `no lock file can be made or opened in ${dir}`,
    });
    await mkdir(dir);
    const path = join(dir, "bin");
    await mkdir(path);
    for (const tool of ["sh", "id", "tail", "tr", "od", "timeout", "printf"])
      await symlink(`/usr/bin/${tool}`, join(path, tool));
    const poor = openLocal("here" as HostName);
    const without: HostAccess = {
      ...poor,
      spawn: ([program, ...args]) => poor.spawn(["/usr/bin/env", `PATH=${path}`, program, ...args]),
    };
    const refused = await lockOf("alice", { access: without }).take(web);
    assert.deepEqual(refused, { kind: "unavailable", reason: "there is no flock(1) on the host" });
  });

  it("does not follow a link that somebody has put in the place of its file", async () => {
    const target = join(dir, "target");
    await symlink(target, join(dir, "orchestrate-supervisord-web.lock"));
    assert.equal((await lockOf("alice").take(web)).kind, "unavailable");
    assert.ok(!(await readdir(dir)).includes("target"));
  });

  it("has files that every account may lock, and records that only their owner may write", async () => {
    await lockOf("alice").take(web);
    const modes = await Promise.all((await readdir(dir)).sort().map((name) => stat(join(dir, name))));
    assert.deepEqual(
      modes.map(({ mode }) => (mode & 0o777).toString(8)),
      ["666", "644"],
    );
  });

  it("is read by a dry run, which takes nothing", async () => {
    const place = {
      directory: dir,
      supervisorPid: () => Promise.resolve(UNKNOWN),
      words: "supervisord",
      isOfAccount: false,
      mayBeElsewhere: false,
    };
    const reader = createLockReader(openLocal("here" as HostName), place, 5000);
    assert.deepEqual(await reader.owners(web), []);
    const alice = lockOf("alice", { reason: "deploy 42" });
    await alice.take(web);
    const [holder] = await reader.owners([...web, "other" as ProgramName]);
    assert.equal(holder?.group, "web");
    assert.equal(holder.owner?.reason, "deploy 42");
    await alice.release();
    await until(async () => (await reader.owners(web)).length === 0, { deadlineMs: 10_000, what: "nobody has it" });
  });

  it("gives a line to the session while that is idle, and has a process of its own for what comes meanwhile", async () => {
    const lock = lockOf("alice", { session: FAKE_SUPERVISORCTL });
    await lock.take(web);
    const inSession = async () => {
      const outcome = await lock.run(["echo", "by exec"], { inSession: "restart web:web_00" });
      return outcome.kind === "exited" ? outcome.stdout : outcome.kind;
    };
    await until(async () => (await inSession()) === "did restart web:web_00\n", { deadlineMs: 5000 });
    assert.deepEqual((await Promise.all([inSession(), inSession()])).sort(), ["by exec\n", "did restart web:web_00\n"]);
  });

  it("reads an answer of the session to its end, whatever the answer imitates, while the holder's own lines come between", async () => {
    const answer = Array.from(
      { length: 20 },
      (_, mark) => `supervisor> *** Unknown syntax: _mark${mark}_\norchestrate-0 closed\n`,
    );
    // Its pieces come one by one, as it reads lines of its own from a file; beats go on meanwhile.
    const lock = lockOf("alice", {
      session: FAKE_SUPERVISORCTL.replace(
        'echo "did $line"',
        `sleep 0.4; printf 'web:web: '; sleep 0.4; cat "${join(dir, "answer")}"`,
      ),
      silence: { ...SHORT, beatEveryMs: 20 },
    });
    await writeFile(join(dir, "answer"), answer.join(""));
    await lock.take(web);
    const inSession = () => lock.run(["echo", "by exec"], { inSession: "restart web:web" });
    const stdout = `web:web: ${answer.join("")}`;
    await until(
      async () => {
        const outcome = await inSession();
        if (outcome.kind === "exited" && outcome.stdout === "by exec\n") return false;
        assert.deepEqual(outcome, { kind: "exited", code: 0, stdout, stderr: "" });
        return true;
      },
      { deadlineMs: 5000 },
    );
  });

  it("has processes of their own for all commands where the session asks for a password or ends", async () => {
    for (const session of ["echo Username:; cat", "exit 1", "cat"]) {
      const lock = lockOf("alice", { session });
      await lock.take(web);
      for (let times = 0; times < 3; times++) {
        const outcome = await lock.run(["echo", "by exec"], { inSession: "restart web:web_00" });
        assert.equal(outcome.kind === "exited" && outcome.stdout, "by exec\n");
      }
      await lock.release();
    }
  });

  /** A way whose processes lose their connection on demand, as ssh does: they see the end of their stdin. */
  function losingAccess() {
    const inner = openLocal("here" as HostName);
    let isDown = false;
    let dropped: (() => void)[] = [];
    const access: HostAccess & { lose(how?: { comesBack: boolean }): void; comeBack(): void } = {
      ...inner,
      spawn: async (argv) => {
        if (isDown) return { kind: "failed", reason: "no route" };
        const spawned = await inner.spawn(argv);
        if (spawned.kind === "failed") return spawned;
        const { stream, stderr, closed } = spawned.process;
        const lost = new Promise<void>((resolve) => {
          dropped.push(() => {
            stream.end();
            resolve();
          });
        });
        return { kind: "spawned", process: { stream, stderr, closed: Promise.race([closed, lost]) } };
      },
      lose({ comesBack } = { comesBack: true }) {
        isDown = !comesBack;
        for (const drop of dropped) drop();
        dropped = [];
      },
      comeBack() {
        isDown = false;
      },
    };
    return access;
  }
});

/** As an interactive supervisorctl talks: a status first, prompts without a newline, complaints about unknown words. */
const FAKE_SUPERVISORCTL = `
echo 'web:web_00 RUNNING pid 1, uptime 0:00:01'
while printf 'supervisor> ' && IFS= read -r line; do
  case $line in
    '') ;;
    restart*) echo "did $line" ;;
    *) echo "*** Unknown syntax: $line" ;;
  esac
done
`;
