import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "../../fleet/until.ts";
import { quickTimings, startOrchestrate } from "../orchestrate.ts";
import { impatient, type FaultSet, type Scene, type Seen } from "./scene.ts";

let changes = 0;

/** Another configuration of the same instances on the disk of each host. */
async function changeConfiguration({ fleet }: Scene): Promise<void> {
  changes++;
  for (const { supervisorConfig } of fleet.hosts) {
    const text = await readFile(supervisorConfig, "utf8");
    await writeFile(supervisorConfig, text.replace(/^priority=\d+$/m, `priority=${100 + changes}`));
  }
}

/** A supervisorctl of the first host that does something else in place of a command, once. */
async function inPlaceOf(scene: Scene, command: string, does: string): Promise<Record<string, unknown>> {
  const dir = join(scene.first.dir, `stand-in-${++changes}`);
  await mkdir(dir, { recursive: true });
  const text = `#!/bin/sh
# Without a command it would be one for several commands, and nothing would be seen of them here.
[ $# -gt 2 ] || exit 1
ctl() { supervisorctl -c ${scene.first.supervisorConfig} "$@"; }
case "$*" in *" ${command} "*) if mkdir ${dir}/done 2>/dev/null; then ${does}; fi ;; esac
exec supervisorctl "$@"
`;
  await writeFile(join(dir, "supervisorctl"), text, { mode: 0o755 });
  const supervisor = { command: join(dir, "supervisorctl"), config: scene.first.supervisorConfig };
  return scene.hostsWithFirst({ supervisor });
}

const UPDATE = { action: "update" };
const SIGNAL = { action: { signal: "WINCH" } };

/** An update of the first host that waits for an instance to stop. */
async function inUpdate(scene: Scene) {
  const { first } = scene;
  await first.restartAs("web:web_00", { kind: "held_stop" });
  await first.behave("web:web_00", { kind: "healthy" });
  await scene.begin();
  await changeConfiguration(scene);
  const plan = await scene.plan(UPDATE);
  const running = startOrchestrate([plan, "--output", "json"]);
  const isStopping = async () => (await first.process("web:web_00")).state === "STOPPING";
  await until(isStopping, { deadlineMs: 60_000, what: "the group is being updated" });
  return { plan, running, goOn: () => first.letStop("web:web_00") };
}

/** What happens while a group is updated, or an instance is signalled. */
export const faultsOfChanges: readonly FaultSet[] = [
  {
    fleet: {
      hosts: 2,
      groups: [{ name: "web", processes: 2, stopwaitsecs: 600, extraLines: ["priority=100"] }],
    },
    faults: [
      {
        fault: "the connections to a host are lost in the middle of an update",
        restarts: "each once",
        async happen(scene) {
          const { running, goOn } = await inUpdate(scene);
          await scene.first.dropConnections();
          await until(() => running.stdout().includes('"instance.indeterminate"'), { deadlineMs: 60_000 });
          await goOn();
          return { ended: await running.ended };
        },
      },
      {
        fault: "supervisorctl is killed in an update, when it has removed the group and not added it yet",
        isSampled: true,
        restarts: "each once",
        async happen(scene) {
          await changeConfiguration(scene);
          const hosts = await inPlaceOf(scene, "update", "ctl stop 'web:*'; ctl remove web; kill -9 $$");
          return scene.run({ ...UPDATE, hosts });
        },
      },
      {
        fault: "orchestrate is killed in the middle of an update",
        restarts: "each once",
        async happen(scene): Promise<Seen> {
          const { plan, running, goOn } = await inUpdate(scene);
          running.child.kill("SIGKILL");
          const ended = await running.ended;
          await goOn();
          return { ended, then: await scene.resume(plan) };
        },
      },
      {
        fault: "the configuration of a host cannot be read (a program without a command)",
        restarts: "none",
        async happen(scene) {
          const { supervisorConfig } = scene.first;
          const text = await readFile(supervisorConfig, "utf8");
          return scene.runWhile(
            () => writeFile(supervisorConfig, `${text}[program:broken]\n`),
            () => writeFile(supervisorConfig, text),
            UPDATE,
          );
        },
      },
      {
        fault: "supervisord hangs (SIGSTOP) while an instance is signalled",
        isSampled: true,
        restarts: "none",
        async happen(scene) {
          const pidFile = join(scene.first.dir, "supervisord.pid");
          const hosts = await inPlaceOf(scene, "signal", `kill -STOP "$(cat ${pidFile})"`);
          const seen = await scene.run({ ...SIGNAL, hosts, timings: { ...impatient, command_timeout: "2s" } });
          await scene.first.thaw("supervisord");
          return seen;
        },
      },
      {
        fault: "the connections to a host are lost while an instance is signalled",
        restarts: "none",
        async happen(scene) {
          const waits = join(scene.fleet.dir, `signalling-${++changes}`);
          const hosts = await inPlaceOf(scene, "signal", `touch ${waits}; while [ -e ${waits} ]; do sleep 0.1; done`);
          const plan = await scene.plan({ ...SIGNAL, hosts, timings: quickTimings });
          const running = startOrchestrate([plan, "--output", "json"]);
          await until(
            () =>
              readFile(waits).then(
                () => true,
                () => false,
              ),
            { deadlineMs: 60_000, what: "the signal is being sent" },
          );
          await scene.first.dropConnections();
          await until(() => running.stdout().includes('"instance.indeterminate"'), { deadlineMs: 60_000 });
          await rm(waits);
          return { ended: await running.ended };
        },
      },
    ],
  },
];
