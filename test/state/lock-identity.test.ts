import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostName, ProgramName, RolloutId } from "../../src/domain/ids.ts";
import type { HostAccess, HostLock, PidOutcome, TakeOutcome } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { createHostLock } from "../../src/state/host-lock.ts";
import { createLockReader, type LockPlace } from "../../src/state/lock-reader.ts";
import { until } from "../fleet/until.ts";

const web = ["web"] as readonly string[] as readonly ProgramName[];
const held: TakeOutcome = { kind: "held" };
const IS_ROOT = process.getuid?.() === 0;

/** What passes for a supervisord: a process that is called so, with a child. */
interface Supervisord {
  readonly pid: PidOutcome;
  readonly childless: PidOutcome;
  end(): Promise<void>;
}

describe("the supervisord that a lock is of", () => {
  let dir: string;
  const locks: HostLock[] = [];
  const running: Supervisord[] = [];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "orchestrate-lock-"));
    await chmod(dir, 0o1777);
  });
  afterEach(async () => {
    for (const lock of locks.splice(0)) await lock.release();
    for (const supervisord of running.splice(0)) await supervisord.end();
    await rm(dir, { recursive: true });
  });

  async function start({ cwd = dir, uid }: { cwd?: string; uid?: number } = {}): Promise<Supervisord> {
    const script = "sleep 900 & echo $!; read line; kill $!";
    const process = spawn("sh", ["-c", script, "supervisord", "-c", "supervisord.conf"], {
      cwd,
      stdio: ["pipe", "pipe", "ignore"],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const [line] = (await once(process.stdout.setEncoding("utf8"), "data")) as [string];
    const known = { kind: "known", pid: process.pid ?? 0 } as const;
    const ended = once(process, "close");
    const supervisord = {
      pid: { ...known, children: [Number(line)] },
      childless: known,
      async end() {
        process.stdin.end();
        await ended;
      },
    };
    running.push(supervisord);
    return supervisord;
  }

  function placeOf(pid: PidOutcome | (() => PidOutcome), own: Partial<LockPlace> = {}): LockPlace {
    return {
      directory: dir,
      supervisorPid: () => Promise.resolve(typeof pid === "function" ? pid() : pid),
      words: "words",
      isOfAccount: false,
      mayBeElsewhere: false,
      ...own,
    };
  }

  function lockOf(who: string, place: LockPlace, access: HostAccess = openLocal("here" as HostName)): HostLock {
    const owner = { rollout: `rollout-of-${who}` as RolloutId, who, since: new Date().toISOString() };
    const lock = createHostLock(access, { ...place, owner });
    locks.push(lock);
    return lock;
  }

  const holderOf = (taken: TakeOutcome) => (taken.kind === "locked" ? taken.holder.owner?.who : taken.kind);

  it("is the process: two that were started by the same relative command line in two folders are two", async () => {
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    await Promise.all([mkdir(a), mkdir(b)]);
    assert.deepEqual(await lockOf("alice", placeOf((await start({ cwd: a })).pid)).take(web), held);
    assert.deepEqual(await lockOf("alice", placeOf((await start({ cwd: b })).pid)).take(web), held);
  });

  it("is one, by whatever words two plans come to it", async () => {
    const { pid, childless } = await start();
    assert.deepEqual(await lockOf("alice", placeOf(pid)).take(web), held);
    for (const place of [placeOf(pid, { words: "others" }), placeOf(childless), placeOf(pid, { mayBeElsewhere: true })])
      assert.equal(holderOf(await lockOf("bob", place).take(web)), "alice");
  });

  it("is still the same one after its restart, while what was locked before that is held", async () => {
    const before = await start();
    const alice = lockOf("alice", placeOf(before.pid));
    assert.deepEqual(await alice.take(web), held);
    await before.end();
    const after = await start();
    const place = placeOf(after.pid);
    assert.equal(holderOf(await lockOf("bob", place).take(web)), "alice");
    assert.deepEqual(
      (await createLockReader(openLocal("here" as HostName), place, 20_000).owners(web)).map(({ owner }) => owner?.who),
      ["alice"],
    );
    assert.deepEqual(await lockOf("bob", place).take(["jobs" as ProgramName]), held, "another program is free");
    await alice.release();
    const bob = lockOf("bob", place);
    await until(async () => (await bob.take(web)).kind === "held", { deadlineMs: 20_000 });
  });

  it("does not stand in the way of its own rollout, which works on another that was started alike", async () => {
    const before = await start();
    assert.deepEqual(await lockOf("alice", placeOf(before.pid)).take(web), held);
    const another = await start();
    await before.end();
    assert.deepEqual(await lockOf("alice", placeOf(another.pid)).take(web), held);
  });

  it("is told from another that was started alike when one of both is restarted, as soon as nobody holds the old lock", async () => {
    const before = await start();
    const alice = lockOf("alice", placeOf(before.pid));
    assert.deepEqual(await alice.take(web), held);
    await alice.release();
    await before.end();
    assert.deepEqual(await lockOf("bob", placeOf((await start()).pid)).take(web), held);
    assert.deepEqual(await lockOf("carol", placeOf((await start()).pid)).take(web), held);
  });

  describe("that is restarted while the connection is lost", () => {
    for (const isTaken of [false, true])
      it(`is ${isTaken ? "lost to whoever has locked it meanwhile" : "locked again, so that others collide with it"}`, async () => {
        const before = await start();
        let now = before.pid;
        const losing = losingAccess();
        const alice = lockOf(
          "alice",
          placeOf(() => now),
          losing,
        );
        assert.deepEqual(await alice.take(web), held);
        losing.lose();
        await before.end();
        const after = await start();
        now = after.pid;
        const bob = lockOf("bob", placeOf(after.pid));
        if (isTaken) await until(async () => (await bob.take(web)).kind === "held", { deadlineMs: 20_000 });
        losing.comeBack();
        const awaited = await alice.awaitOutcome();
        assert.equal(awaited.kind, isTaken ? "lock_lost" : "ended");
        if (!isTaken) assert.equal(holderOf(await bob.take(web)), "alice");
      });
  });

  it("is what the words say where its pid is of another pid namespace: its children are none there", async () => {
    const [here, there] = [await start(), await start()];
    const foreign: PidOutcome = { ...here.childless, ...("children" in there.pid && { children: there.pid.children }) };
    assert.deepEqual(await lockOf("alice", placeOf(foreign, { words: "one" })).take(web), held);
    assert.deepEqual(await lockOf("bob", placeOf(foreign, { words: "two" })).take(web), held);
    assert.equal(holderOf(await lockOf("carol", placeOf(foreign, { words: "one" })).take(web)), "alice");
    assert.deepEqual(await lockOf("dave", placeOf(here.pid)).take(web), held);
  });

  it("is what the words say where a wrapper may lead elsewhere and nothing shows that its pid is one of here", async () => {
    const { childless } = await start();
    const place = placeOf(childless, { mayBeElsewhere: true, words: "docker" });
    assert.deepEqual(await lockOf("alice", place).take(web), held);
    assert.ok((await readdir(dir)).some((name) => name.startsWith("orchestrate-docker-web.lock")));
  });

  it("is the same where what ran under it at the last look has ended since", async () => {
    const { pid, childless } = await start();
    const gone = await start();
    await gone.end();
    const stale: PidOutcome = { ...childless, ...("children" in gone.pid && { children: gone.pid.children }) };
    assert.deepEqual(await lockOf("alice", placeOf(pid)).take(web), held);
    assert.equal(holderOf(await lockOf("bob", placeOf(stale)).take(web)), "alice");
  });

  if (IS_ROOT) {
    it("is another in another account, with the same command line in the same folder", async () => {
      const [one, two] = [await start({ uid: 1 }), await start({ uid: 2 })];
      assert.deepEqual(await lockOf("alice", placeOf(one.pid)).take(web), held);
      assert.deepEqual(await lockOf("alice", placeOf(two.pid)).take(web), held);
      // Each restart of one of them concerns only that.
      await one.end();
      assert.deepEqual(await lockOf("bob", placeOf((await start({ uid: 3 })).pid)).take(web), held);
    });

    it("is one for all accounts that can see its process, and by words one for each account where they depend on it", async () => {
      const { pid } = await start();
      assert.deepEqual(await lockOf("alice", placeOf(pid)).take(web), held);
      assert.equal(holderOf(await lockOf("bob", placeOf(pid), asAccount(1)).take(web)), "alice");
      const unknown = { kind: "unknown" } as const;
      const own = placeOf(unknown, { isOfAccount: true });
      assert.deepEqual(await lockOf("carol", own).take(web), held);
      assert.deepEqual(await lockOf("dave", own, asAccount(1)).take(web), held);
      assert.equal(holderOf(await lockOf("erin", own).take(web)), "carol");
      const shared = placeOf(unknown);
      assert.deepEqual(await lockOf("frank", shared).take(web), held);
      assert.equal(holderOf(await lockOf("grace", shared, asAccount(1)).take(web)), "frank");
    });
  }

  function asAccount(uid: number): HostAccess {
    const inner = openLocal("here" as HostName);
    const setpriv = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"] as const;
    return { ...inner, spawn: (argv) => inner.spawn([...setpriv, ...argv]) };
  }

  /** A way whose processes lose their connection on demand, and that then cannot be had. */
  function losingAccess() {
    const inner = openLocal("here" as HostName);
    let isDown = false;
    const dropped: (() => void)[] = [];
    const access: HostAccess & { lose(): void; comeBack(): void } = {
      ...inner,
      spawn: async (argv) => {
        if (isDown) return { kind: "failed", reason: "no route" };
        const spawned = await inner.spawn(argv);
        if (spawned.kind === "failed") return spawned;
        const { stream, stderr, closed } = spawned.process;
        const lost = new Promise<void>((resolve) => dropped.push(() => (stream.end(), resolve())));
        return { kind: "spawned", process: { stream, stderr, closed: Promise.race([closed, lost]) } };
      },
      lose() {
        isDown = true;
        for (const drop of dropped.splice(0)) drop();
      },
      comeBack: () => void (isDown = false),
    };
    return access;
  }
});
