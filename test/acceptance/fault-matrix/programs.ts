import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import type { FleetHost, GroupOptions, ProcessInfo } from "../../fleet/fleet.ts";
import { until } from "../../fleet/until.ts";
import { eventsOf, orchestrate, startOrchestrate } from "../orchestrate.ts";
import { impatient, type Fault, type FaultSet, type Scene, type Seen } from "./scene.ts";

const groups = [{ name: "web", processes: 2 }];

/** Everything at once, so that a host has as much to bear as there can be. */
const allAtOnce = { batches: { hosts: "100%", instances: "100%" } };

/** Much more than anybody wants to keep. */
const FLOOD = "head -c 200000000 /dev/zero | tr '\\\\0' x";

/** The most memory that a controller may have had, with 200 MB passing by. */
const MOST_MB = 400;

/** Runs a plan and tells the most memory that it had. */
async function runMeasured(scene: Scene, keys: Record<string, unknown>): Promise<Seen> {
  const running = startOrchestrate([await scene.plan(keys), "--output", "json"]);
  let mostMb = 0;
  const over = running.ended.then(() => true);
  while (!(await Promise.race([over, rest(100).then(() => false)])))
    mostMb = Math.max(mostMb, memoryMb(running.child.pid ?? 0));
  assert.ok(mostMb > 0 && mostMb < MOST_MB, `${mostMb} MB`);
  return { ended: await running.ended, note: `in less than ${MOST_MB} MB of memory` };
}

function memoryMb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const fails = (name: string, keys: Record<string, unknown>, happen?: Partial<Fault>): Fault => ({
  fault: name,
  restarts: "some once",
  happen: (scene) => scene.run({ timings: impatient, ...keys }),
  ...happen,
});

/** What a rollout bears, or fails for, by itself. */
export const faultsOfPrograms: readonly FaultSet[] = [
  {
    alsoLocal: true,
    fleet: { hosts: 2, groups, sameCommandLine: true },
    faults: [
      {
        fault: "two supervisords on one machine, started in two folders by the same relative command line",
        restarts: "each once",
        happen: (scene) => scene.run(allAtOnce),
      },
    ],
  },
  {
    fleet: { hosts: 2, groups },
    faults: [
      {
        fault: "a shell profile that prints, terminal escapes as well",
        isSampled: true,
        restarts: "each once",
        happen: (scene) =>
          scene.withProfile("printf 'Welcome!\\n\\033[31mpid 1, RUNNING\\n'; echo to stderr >&2\n", () => scene.run()),
      },
      {
        fault:
          "a shell profile that sets a terminal's title without the end of a line, and a supervisorctl for each look",
        restarts: "each once",
        happen: async (scene) => {
          const command = join(scene.fleet.dir, "no-session");
          await writeFile(command, '#!/bin/sh\n[ $# -gt 2 ] || exit 1\nexec supervisorctl "$@"\n', { mode: 0o755 });
          const hosts = Object.entries(scene.fleet.planHosts()).map(([name, { address, supervisor }]) => {
            return [name, { address, supervisor: { ...supervisor, command } }];
          });
          return scene.withProfile("printf '\\033]0;%s\\007' host\n", () =>
            scene.run({ hosts: Object.fromEntries(hosts) as object }),
          );
        },
      },
      {
        fault: "200 MB of output of a hook",
        restarts: "each once",
        happen: (scene) => runMeasured(scene, { hooks: { before_host: FLOOD } }),
      },
      {
        fault: "200 MB of output of a check",
        restarts: "each once",
        happen: (scene) => runMeasured(scene, { checks: [{ command: FLOOD }], batches: { instances: 2 } }),
      },
      fails(
        "a hook fails before an instance is touched",
        { hooks: { before_restart: "echo no >&2; exit 3" } },
        { restarts: "none" },
      ),
      fails("a check never passes", { checks: [{ command: "echo not yet; exit 1" }] }),
      fails("a check that can never be asked: the pid of the process that was started makes no address of it", {
        checks: [{ tcp: "127.0.0.1:{pid}{pid}" }],
        timings: { ...impatient, healthy_deadline: "1h" },
      }),
      {
        fault: "supervisord calls a program RUNNING on pid 0 (a stand-in for supervisorctl that says so)",
        restarts: "some once",
        happen: async (scene) => {
          const command = join(scene.fleet.dir, "pid-0");
          const text = `#!/bin/sh\nsupervisorctl "$@" | sed 's/pid [0-9]*/pid 0/'\n`;
          await writeFile(command, text, { mode: 0o755 });
          const supervisor = { command, config: scene.first.supervisorConfig };
          return scene.run({ timings: impatient, hosts: scene.hostsWithFirst({ supervisor }) });
        },
      },
      {
        fault: "one of two hosts is down, and the plan tolerates it (max_unreachable: 1)",
        restarts: "some once",
        happen: (scene) =>
          scene.runWhile(
            () => scene.first.kill("sshd"),
            () => scene.first.revive("sshd"),
            { limits: { max_unreachable: 1 } },
          ),
      },
    ],
  },
  {
    fleet: { hosts: 2, groups, sshdConfig: ['ForceCommand exec fish -c "$SSH_ORIGINAL_COMMAND"'] },
    faults: [
      {
        fault: "a login shell that is not of POSIX (fish)",
        restarts: "each once",
        happen: (scene) => scene.run({ checks: [{ command: "test {process} != '!'" }] }),
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: { hosts: 1, groups: [...groups, { name: "all", processes: 1, bare: true }] },
    faults: [
      {
        fault: "a program called `all` next to others, and a plan for `all`: only that is restarted",
        restarts: "some once",
        happen: (scene) => scene.run({ programs: "all" }),
      },
    ],
  },
  {
    fleet: { hosts: 2, groups, sshdConfig: ["MaxSessions 1"] },
    faults: [
      {
        fault: "sshd bears one session a connection (MaxSessions 1), everything at once",
        restarts: "each once",
        happen: (scene) => scene.run({ ...allAtOnce, limits: { min_healthy: 0 } }),
      },
    ],
  },
  {
    fleet: { hosts: 6, groups: [{ name: "web", processes: 1 }], sshdConfig: ["MaxStartups 1"] },
    faults: [
      {
        fault: "a bastion greets one stranger at a time (MaxStartups 1), six hosts at once behind it",
        restarts: "each once",
        happen: (scene) =>
          scene.run({
            ...allAtOnce,
            ssh: { ...scene.fleet.planSsh(), proxy_jump: `${scene.first.address}:${scene.first.port}` },
          }),
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: {
      hosts: 1,
      groups: ["we$ird'q", "$(reboot)`id`é☃", "a*b?&|<>"].map((name) => ({
        name: name.replace(/[<>|/]/g, "!"),
        processes: 1,
        bare: true,
        extraLines: ["command=/usr/bin/env perl %(ENV_FLEET_HOST_DIR)s/instance.pl"],
      })),
    },
    faults: [
      {
        fault: "names with quotes, `$`, backquotes, globs and unicode: programs and instances",
        isSampled: true,
        restarts: "each once",
        happen: (scene) =>
          scene.run({
            programs: ["we$ird'q", "$(reboot)`id`é☃", "a\\*b\\?&!!!"],
            checks: [{ command: "test -n {process} && test {process} = {program}" }],
          }),
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: {
      hosts: 2,
      groups: [
        { name: "web", processes: 1 },
        {
          name: "migrate",
          processes: 1,
          bare: true,
          startsecs: 0,
          endsByItself: true,
          extraLines: ["command=/bin/true", "autorestart=false", ...listener("watchdog")],
        },
      ],
    },
    faults: [
      {
        fault: '`programs: "*"` on hosts with a migration that has ended and an event listener',
        restarts: "some once",
        broken: 2,
        async happen(scene) {
          const { ended } = await scene.run({ programs: "*" });
          const log = await scene.first.supervisordLog();
          const starts = (name: string) => log.split(`spawned: '${name}'`).length - 1;
          return { ended, note: `migrate was started ${starts("migrate")} time, watchdog ${starts("watchdog")}` };
        },
      },
    ],
  },
  {
    alsoLocal: true,
    // Without startsecs each of their processes is RUNNING at once.
    fleet: { hosts: 2, groups: [{ name: "worker", processes: 2, startsecs: 0, extraLines: ["autorestart=true"] }] },
    faults: [
      {
        fault: "workers exit with 0 every six seconds, by design, in a pause as well (`on_expected_exit: accept`)",
        restarts: "each once",
        happen: (scene) => exiting(scene, { on_expected_exit: "accept" }),
      },
      {
        fault: "likewise, without that key",
        restarts: "some once",
        async happen(scene) {
          const { ended } = await exiting(scene, {});
          const failed = eventsOf(ended).find((event) => event.type === "instance.failed");
          return {
            ended,
            note: `by supervisord's log an expected exit (${failed?.expected_exit}): the report names the key`,
          };
        },
      },
      {
        fault: "likewise, with that key, where supervisord's log cannot be read (a stand-in that says so)",
        restarts: "some once",
        async happen(scene) {
          const command = join(scene.fleet.dir, "no-maintail");
          const refusal = '*maintail*) echo "supervisord: ERROR (no log file)"; exit 1 ;;';
          const text = `#!/bin/sh\n[ $# -gt 2 ] || exit 1\ncase "$*" in ${refusal} esac\nexec supervisorctl "$@"\n`;
          await writeFile(command, text, { mode: 0o755 });
          const hosts = Object.entries(scene.fleet.planHosts()).map(([name, host]) => {
            return [name, { ...host, supervisor: { ...host.supervisor, command } }];
          });
          return exiting(scene, { on_expected_exit: "accept", hosts: Object.fromEntries(hosts) as object });
        },
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: {
      hosts: 1,
      groups: [
        {
          name: "web",
          processes: 2,
          extraLines: ["command=/bin/sh -c 'sleep 3600 & wait'", "stopasgroup=false", "killasgroup=false"],
        },
      ],
    },
    faults: [
      fails("a program is a shell without stopasgroup: its child outlives the restart, and would still answer checks", {
        checks: [{ command: "true" }],
      }),
      {
        fault: "likewise, and the plan has `leftovers: warn`",
        restarts: "each once",
        happen: (scene) => scene.run({ leftovers: "warn" }),
      },
    ],
  },
  {
    // What has exited within startsecs counts as RUNNING to a supervisord that is late by as much.
    alsoLocal: true,
    fleet: { hosts: 2, groups: [{ name: "web", processes: 2, startretries: 1, startsecs: 4 }] },
    faults: [
      {
        fault: "a program that crashes at its start",
        restarts: "some once",
        happen: (scene) =>
          broken(scene, { kind: "crash_at_start" }, { timings: { ...impatient, healthy_deadline: "60s" } }),
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: {
      hosts: 1,
      groups: [
        crashing("redirected", ["redirect_stderr=true"]),
        crashing("own", ["redirect_stderr=true", "stdout_logfile=/dev/stdout", "stdout_logfile_maxbytes=0"]),
        crashing("unkept", ["stdout_logfile=NONE", "stderr_logfile=NONE"]),
      ],
    },
    faults: [
      crashes(
        "redirected",
        "a program that crashes at its start; its stderr goes to its stdout (redirect_stderr=true)",
      ),
      crashes("own", "likewise, and its log is supervisord's own output (/dev/stdout)"),
      crashes("unkept", "likewise, and Supervisor keeps no log of it (NONE)"),
    ],
  },
  {
    alsoLocal: true,
    fleet: { hosts: 2, groups: [{ name: "web", processes: 2, startretries: 1 }] },
    faults: [
      {
        fault: "a program whose file is missing",
        restarts: "some once",
        happen: (scene) => broken(scene, { kind: "file_gone" }),
      },
      {
        fault: "a program that flaps: it dies two seconds after each start, and Supervisor starts it again",
        restarts: "some once",
        restartedAgain: 1,
        happen: (scene) =>
          broken(
            scene,
            { kind: "crash_after", seconds: 2 },
            { timings: { ...impatient, healthy_deadline: "20s", min_healthy_time: "4s" } },
          ),
      },
      {
        fault: "a release that runs and fails its check; then the fixed one is deployed",
        restarts: "each once",
        restartedAgain: 1,
        happen: (scene) =>
          broken(
            scene,
            { kind: "slow_start", seconds: 3600 },
            { checks: [{ command: `test -e ${scene.fleet.dir}/{host}/ready/{process}` }] },
          ),
      },
      {
        fault: "a program that does not stop when asked to",
        restarts: "some once",
        happen: (scene) => broken(scene, { kind: "ignore_term" }, { timings: { ...impatient, stop_deadline: "2s" } }),
      },
    ],
  },
];

/** The section of one that does nothing. */
function listener(name: string): string[] {
  const command = `command=/bin/sh -c 'printf "READY\\n"; exec sleep 3600'`;
  return [`[eventlistener:${name}]`, command, "events=TICK_3600"];
}

/** A program of its own, which is FATAL at its first crash. */
function crashing(name: string, logs: readonly string[]): GroupOptions {
  return { name, processes: 1, bare: true, startsecs: 4, startretries: 0, extraLines: logs };
}

/** It crashes at its restart, and the note says what the operator finds of its log. */
function crashes(program: string, fault: string): Fault {
  return {
    fault,
    restarts: "some once",
    async happen(scene) {
      const { first } = scene;
      await first.behave(program, { kind: "crash_at_start" });
      const { ended } = await scene.run({ programs: program, timings: { ...impatient, healthy_deadline: "60s" } });
      const failed = eventsOf(ended).find((event) => event.type === "instance.failed") ?? assert.fail(ended.stdout);
      const tail = failed.log_tail.trim().split("\n").slice(-2).join(" / ");
      await first.behave(program, { kind: "healthy" });
      await first.start(program);
      return { ended, note: failed.log === undefined ? tail : `the end of its ${failed.log} log: ${tail}` };
    },
  };
}

/** Workers that live for six seconds each, in a rollout that pauses for longer; then they live on. */
async function exiting(scene: Scene, keys: Record<string, unknown>): Promise<Seen> {
  const { hosts } = scene.fleet;
  const all = (behaviour: Broken) =>
    Promise.all(
      hosts.flatMap((host) =>
        ["worker:worker_00", "worker:worker_01"].map((instance) => host.behave(instance, behaviour)),
      ),
    );
  await all({ kind: "exit_after", seconds: 6 });
  const seen = await scene.run({
    programs: "worker",
    groups: { canary: { hosts: "host-1" }, rest: { hosts: "host-2" } },
    rollout: [{ group: "canary", pause: "15s" }, { group: "rest" }],
    ...keys,
  });
  await all({ kind: "healthy" });
  const longest = (host: FleetHost) => host.processes().then((them) => them.every((one) => livesLongerThan(one, 6)));
  for (const host of hosts) await until(() => longest(host), { deadlineMs: 30_000 });
  return seen;
}

type Broken = Parameters<Scene["first"]["behave"]>[1];

/** The second instance is broken from its restart on; then it is mended and the rollout goes on. */
async function broken(scene: Scene, behaviour: Broken, keys: Record<string, unknown> = {}): Promise<Seen> {
  const instance = "web:web_01";
  const { first } = scene;
  if (behaviour.kind === "ignore_term") {
    await first.behave(instance, behaviour);
    await first.stop(instance).catch(() => undefined);
    await first.start(instance);
    await scene.begin();
  } else await first.behave(instance, behaviour);
  const plan = await scene.plan({ timings: impatient, ...keys });
  const ended = await orchestrate(plan, "--output", "json");
  assert.equal(ended.code, 1, ended.stderr);
  assert.equal(eventsOf(ended).filter(({ type }) => type === "instance.restarting").length, 2);
  await first.behave(instance, { kind: "healthy" });
  // One that flaps has mended itself with its next start.
  if (behaviour.kind === "crash_after")
    await until(async () => livesLongerThan(await first.process(instance), behaviour.seconds), { deadlineMs: 20_000 });
  return { ended, then: await scene.resume(plan) };
}

function livesLongerThan({ state, start, now }: ProcessInfo, seconds: number): boolean {
  return state === "RUNNING" && now - start > seconds + 1;
}
