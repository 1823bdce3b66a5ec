import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { setTimeout as rest } from "node:timers/promises";
import { until } from "../../fleet/until.ts";
import { eventsOf, Gate, orchestrate, quickTimings, startOrchestrate, type Ended } from "../orchestrate.ts";
import { impatient, type Fault, type FaultSet, type Scene, type Seen } from "./scene.ts";

const groups = [{ name: "web", processes: 2, stopwaitsecs: 600 }];

type Befall = (scene: Scene) => Promise<unknown>;

/** A fault in the middle of the first restart, which the rollout gets over. */
const overcome = (fault: string, befall: Befall): Fault => ({
  fault,
  restarts: "each once",
  async happen(scene) {
    const { running, goOn } = await scene.inRestart();
    await befall(scene);
    await goOn();
    return { ended: await running.ended };
  },
});

/** One by which the connection to the host is lost, so that nobody hears of the restart's end. */
const lost = (fault: string, befall: Befall, keys: (scene: Scene) => object = () => ({})): Fault => ({
  fault,
  restarts: "each once",
  async happen(scene) {
    const { running, goOn } = await scene.inRestart({ ...keys(scene) });
    await befall(scene);
    await until(() => running.stdout().includes('"instance.indeterminate"'), { deadlineMs: 60_000 });
    await goOn();
    return { ended: await running.ended };
  },
});

/** One that it does not get over: it is mended, and the operator goes on with `--resume`. */
const halting = (
  fault: string,
  { befall, mend, keys = () => ({}) }: { befall: Befall; mend: Befall; keys?: (scene: Scene) => object },
): Fault => ({
  fault,
  restarts: "each once",
  async happen(scene) {
    const { plan, running, goOn } = await scene.inRestart({ timings: impatient, ...keys(scene) });
    await befall(scene);
    const ended = await running.ended;
    await mend(scene);
    await goOn();
    return { ended, then: await scene.resume(plan) };
  },
});

/** Its supervisord is another one when the rollout comes to the second instance of the first host. */
const supervisordRestarted = (fault: string): Fault => ({
  fault,
  restarts: "some once",
  async happen(scene) {
    for (const host of scene.fleet.hosts)
      for (const { instance, state } of await host.processes()) if (state === "STOPPED") await host.start(instance);
    await scene.begin();
    const plan = await scene.plan({ timings: { ...impatient, between_restarts: "5s" } });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes("host.resting"), { deadlineMs: 60_000 });
    await scene.first.kill("supervisord");
    await scene.first.revive("supervisord");
    return { ended: await running.ended, then: await scene.resume(plan) };
  },
});

/** As many containers have it, so that what started supervisord notices. */
const QUIT_ON_FATAL = [
  "[eventlistener:quit]",
  `command=bash -c "printf 'READY\\n' && while read line; do kill -SIGQUIT $PPID; done < /dev/stdin"`,
  "events=PROCESS_STATE_FATAL",
];

/** The second host is the bastion of all. */
function behindSecond({ fleet }: Scene): object {
  const { address, port } = fleet.host("host-2");
  return { ...fleet.planSsh(), proxy_jump: `${address}:${port}`, config_file: "none" };
}

/** The controller's disk takes so many bytes of a file and no more: by a limit of its process, as a full one would. */
function runWithRoom(plan: string, stateDir: string, kib: number): Promise<Ended> {
  const before = `trap '' XFSZ; ulimit -f ${kib}`;
  return startOrchestrate([plan, "--output", "json", "--state-dir", stateDir], { before }).ended;
}

/** What happens to hosts while a rollout is under way. Each on the same fleet, which is whole again after it. */
export const faultsOfHosts: readonly FaultSet[] = [
  {
    fleet: { hosts: 2, groups },
    faults: [
      {
        ...lost("the connections to a host are lost in the middle of a restart", (scene) =>
          scene.first.dropConnections(),
        ),
      },
      lost("an sshd is killed in the middle of a restart, and started again", async (scene) => {
        await scene.first.kill("sshd");
        await scene.first.revive("sshd");
      }),
      halting("an sshd is killed in the middle of a restart, and stays away", {
        befall: (scene) => scene.first.kill("sshd"),
        mend: (scene) => scene.first.revive("sshd"),
      }),
      {
        fault: "an sshd is killed after a restart, in the rest before the next one",
        restarts: "each once",
        async happen(scene) {
          const timings = { ...impatient, between_restarts: "15s" };
          const plan = await scene.plan({ timings });
          const running = startOrchestrate([plan, "--output", "json"]);
          await until(() => running.stdout().includes("host.resting"), { deadlineMs: 60_000 });
          await scene.first.kill("sshd");
          const ended = await running.ended;
          await scene.first.revive("sshd");
          return { ended, then: await scene.resume(plan) };
        },
      },
      overcome("an sshd hangs (SIGSTOP) for three seconds in the middle of a restart", async (scene) => {
        await scene.first.freeze("sshd");
        await rest(3000);
        await scene.first.thaw("sshd");
      }),
      overcome("a supervisord hangs (SIGSTOP) for three seconds in the middle of a restart", async (scene) => {
        await scene.first.freeze("supervisord");
        await rest(3000);
        await scene.first.thaw("supervisord");
      }),
      halting("a supervisord hangs (SIGSTOP) in the middle of a restart until after the deadlines", {
        befall: (scene) => scene.first.freeze("supervisord"),
        mend: (scene) => scene.first.thaw("supervisord"),
      }),
      {
        fault: "a supervisord is killed in the middle of a restart, and started again, with all that it starts",
        restarts: "some once",
        async happen(scene) {
          const { plan, running } = await scene.inRestart({ timings: impatient });
          await scene.first.kill("supervisord");
          const ended = await running.ended;
          await scene.first.revive("supervisord");
          return { ended, then: await scene.resume(plan) };
        },
      },
      lost(
        "a bastion loses its connections in the middle of a restart behind it",
        (scene) => scene.fleet.host("host-2").dropConnections(),
        (scene) => ({ ssh: behindSecond(scene) }),
      ),
      halting("a bastion dies in the middle of a restart behind it, and stays away", {
        befall: (scene) => scene.fleet.host("host-2").kill("sshd"),
        mend: (scene) => scene.fleet.host("host-2").revive("sshd"),
        keys: (scene) => ({ ssh: behindSecond(scene) }),
      }),
    ],
  },
  {
    alsoLocal: true,
    fleet: { hosts: 2, groups: [{ name: "web", processes: 2, autostart: false }] },
    faults: [
      supervisordRestarted("a supervisord is restarted between two restarts; its programs have autostart=false"),
    ],
  },
  {
    fleet: { hosts: 2, groups: [{ name: "web", processes: 2, startretries: 1, extraLines: QUIT_ON_FATAL }] },
    faults: [
      {
        ...supervisordRestarted("a supervisord is restarted between two restarts, with all that it starts"),
        restartedAgain: 1,
      },
      {
        fault: "an event listener ends supervisord, as the second program that is restarted becomes FATAL",
        restarts: "each once",
        restartedAgain: 1,
        async happen(scene) {
          const { first } = scene;
          await first.behave("web:web_01", { kind: "crash_at_start" });
          const plan = await scene.plan({ timings: quickTimings });
          const ended = await orchestrate(plan, "--output", "json");
          await first.supervisord.ended();
          await first.behave("web:web_01", { kind: "healthy" });
          await first.revive("supervisord");
          return { ended, then: await scene.resume(plan) };
        },
      },
    ],
  },
  {
    fleet: { hosts: 2, groups },
    faults: [
      {
        fault: "a rollout halts on the second host, and the first is lost before its revert (`on_failure: revert`)",
        restarts: "some once",
        restartedAgain: 2,
        async happen(scene) {
          const { fleet, first } = scene;
          const second = fleet.host("host-2");
          await second.behave("web:web_00", { kind: "file_gone" });
          const gate = new Gate(fleet.dir, "the-first-is-lost");
          const plan = await scene.plan({ on_failure: "revert", hooks: { on_failure: gate.waiting } });
          const running = startOrchestrate([plan, "--output", "json"]);
          await until(() => running.stdout().includes('"rollout.halted"'), { deadlineMs: 60_000 });
          await first.kill("sshd");
          await second.behave("web:web_00", { kind: "healthy" });
          await gate.open();
          const ended = await running.ended;
          await first.revive("sshd");
          const revert = eventsOf(ended).filter(
            ({ type }) => type === "rollout.finished" || type === "rollout.planned",
          );
          const [, , planned, finished] = revert;
          assert.ok(planned?.type === "rollout.planned" && finished?.type === "rollout.finished", ended.stdout);
          const left = (planned.left_open ?? []).map(({ host, instances }) => `${host} ${instances.join(" ")}`);
          assert.deepEqual(left, ["host-1 web:web_00 web:web_01"]);
          const note = `its revert ends \`${finished.outcome}\`, with host-1 named as not reverted`;
          return { ended, note, then: await scene.resume(plan) };
        },
      },
    ],
  },
];

/** What happens on the operator's side. */
export const faultsOfTheController: readonly FaultSet[] = [
  {
    alsoLocal: true,
    fleet: { hosts: 2, groups },
    faults: [
      {
        fault: "the controller is killed (kill -9) in the middle of a restart",
        isSampled: true,
        restarts: "each once",
        async happen(scene) {
          const { plan, running, goOn } = await scene.inRestart();
          running.child.kill("SIGKILL");
          const ended = await running.ended;
          await goOn();
          return { ended, then: await scene.resume(plan) };
        },
      },
      {
        fault: "the controller is killed (kill -9) in the middle of a restart on its own machine (`connection: local`)",
        restarts: "each once",
        async happen(scene) {
          const { plan, running, goOn } = await scene.inRestart({
            hosts: scene.hostsWithFirst({ connection: "local" }),
          });
          running.child.kill("SIGKILL");
          const ended = await running.ended;
          await goOn();
          return { ended, then: await scene.resume(plan) };
        },
      },
      {
        fault: "the controller is killed (kill -9) in the middle of a drain hook (`before_restart`)",
        restarts: "each once",
        async happen(scene) {
          const gate = new Gate(scene.fleet.dir, "drain-may-end");
          const started = join(scene.fleet.dir, "drain-started");
          const hooks = { before_restart: `touch ${started}; ${gate.waiting}`, after_healthy: "true" };
          const plan = await scene.plan({ hooks });
          const running = startOrchestrate([plan, "--output", "json"]);
          await until(() => existsSync(started), { deadlineMs: 60_000, everyMs: 1 });
          running.child.kill("SIGKILL");
          const ended = await running.ended;
          await gate.open();
          const { rollout = "" } =
            eventsOf({ stdout: ended.stdout.slice(0, ended.stdout.lastIndexOf("\n") + 1) })[0] ?? {};
          const { stdout } = await orchestrate("report", rollout);
          assert.match(stdout, /^still drained\n {2}host-1 web:web_00\n/m);
          return {
            ended,
            note: "`orchestrate report` names the instances that are still drained",
            then: await scene.resume(plan),
          };
        },
      },
      {
        fault: "the operator presses Ctrl-C in the middle of a restart",
        restarts: "each once",
        async happen(scene) {
          const { plan, running, goOn } = await scene.inRestart();
          running.child.kill("SIGINT");
          await until(() => running.stdout().includes('"rollout.interrupted"'), { deadlineMs: 60_000 });
          await goOn();
          const ended = await running.ended;
          return { ended, then: await scene.resume(plan) };
        },
      },
      {
        fault: "a second operator begins in the middle of a restart",
        restarts: "each once",
        async happen(scene): Promise<Seen> {
          const { running, goOn } = await scene.inRestart();
          const ended = await orchestrate(await scene.plan(), "--output", "json");
          await goOn();
          return { ended, then: { what: "the first one", ended: await running.ended } };
        },
      },
      {
        fault: "the disk with the journal is full from the beginning (a limit of the process stands in for it)",
        restarts: "each once",
        async happen(scene) {
          const plan = await scene.plan();
          const stateDir = join(scene.fleet.dir, "full");
          const ended = await runWithRoom(plan, stateDir, 1);
          return { ended, then: { what: "again, with room", ended: await orchestrate(plan, "--output", "json") } };
        },
      },
      {
        fault: "the disk with the journal runs full in the middle (a limit of the process stands in for it)",
        restarts: "each once",
        async happen(scene) {
          const plan = await scene.plan({ timings: quickTimings });
          const stateDir = join(scene.fleet.dir, "filling");
          // As much as is written before the first restart, and a little more.
          const preflight = (await orchestrate(plan, "--dry-run", "--output", "json")).stdout.length;
          const ended = await runWithRoom(plan, stateDir, Math.ceil((preflight + 900) / 1024));
          assert.equal(ended.code, 1, ended.stdout + ended.stderr);
          const then = await orchestrate(plan, "--output", "json", "--resume", "--state-dir", stateDir);
          return { ended, then: { what: "`--resume` with room", ended: then } };
        },
      },
      {
        fault: "the disk with the journal is full after the last restart (a limit of the process stands in for it)",
        restarts: "each once",
        async happen(scene) {
          const gate = new Gate(scene.fleet.dir, "all-are-ready");
          const batches = { hosts: "100%", instances: "100%" };
          const plan = await scene.plan({ checks: gate.checks, batches, limits: { min_healthy: 0 } });
          const stateDir = join(scene.fleet.dir, "filled");
          const args = [plan, "--output", "json", "--state-dir", stateDir];
          const running = startOrchestrate(args, { before: "trap '' XFSZ" });
          const areRunning = () => running.stdout().match(/"instance.observed".*"RUNNING"/g)?.length === 4;
          await until(areRunning, { deadlineMs: 60_000, what: "all run again" });
          await promisify(execFile)("prlimit", [`--pid=${running.child.pid}`, "--fsize=512"]);
          await gate.open();
          const ended = await running.ended;
          const [, why] = /^orchestrate: the journal of rollout \S+ is not whole: \S+: (.*)$/m.exec(ended.stderr) ?? [];
          const note = `the journal is not whole: ${why}`;
          assert.equal(ended.code, 1, ended.stdout + ended.stderr);
          const then = await orchestrate(plan, "--output", "json", "--resume", "--state-dir", stateDir);
          return { ended, note, then: { what: "`--resume` with room", ended: then } };
        },
      },
    ],
  },
];
