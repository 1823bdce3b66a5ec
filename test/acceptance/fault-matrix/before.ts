import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeKey } from "../../fleet/host-files.ts";
import { until } from "../../fleet/until.ts";
import { serveOnce } from "../../hosts/fixtures.ts";
import { quickTimings } from "../orchestrate.ts";
import type { FaultSet, Scene } from "./scene.ts";

const groups = [{ name: "web", processes: 2 }];

const patience = { timings: { ...quickTimings, command_timeout: "2s" } };

/** Something that answers instead of the first host's sshd. */
async function answered(scene: Scene, how: Parameters<typeof serveOnce>[0]) {
  const server = await serveOnce(how);
  try {
    const ssh = { port: server.port, connect_timeout: "2s" };
    return await scene.run({ hosts: scene.hostsWithFirst({ address: "127.0.0.1", ssh }) });
  } finally {
    await server.close();
  }
}

/** An executable of our own on the first host. */
async function standIn(scene: Scene, name: string, text: string): Promise<string> {
  const dir = join(scene.first.dir, "stand-in");
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return join(dir, name);
}

/** On the first host supervisorctl is this script. */
async function withCommand(scene: Scene, text: string) {
  const supervisor = { command: await standIn(scene, "supervisorctl", text), config: scene.first.supervisorConfig };
  return scene.run({ hosts: scene.hostsWithFirst({ supervisor }) });
}

/** On the first host sudo is this script. */
async function withSudo(scene: Scene, text: string) {
  await standIn(scene, "sudo", text);
  const supervisor = { config: scene.first.supervisorConfig, sudo: true };
  return scene.withProfile('PATH="$FLEET_HOST_DIR/stand-in:$PATH"\n', () =>
    scene.run({ hosts: scene.hostsWithFirst({ supervisor }) }),
  );
}

async function knownHosts(scene: Scene, change: (lines: string[]) => string[]): Promise<object> {
  const lines = (await readFile(scene.fleet.knownHostsFile, "utf8")).trim().split("\n");
  const file = join(scene.fleet.dir, "other_known_hosts");
  await writeFile(file, `${change(lines).join("\n")}\n`);
  return { ...scene.fleet.planSsh(), known_hosts_file: file };
}

/** One process of this name, which needs no file called after it. */
const sleeping = (name: string, processName: string) => ({
  name,
  processes: 1,
  extraLines: ["command=/bin/sleep 900", `process_name=${processName}`, "stdout_logfile=NONE", "stderr_logfile=NONE"],
});

/** All refused before the first change. They share a fleet, which each leaves as it found it. */
export const faultsBefore: readonly FaultSet[] = [
  {
    fleet: { hosts: 2, groups },
    faults: [
      {
        fault: "an sshd was killed before the rollout",
        isSampled: true,
        restarts: "none",
        happen: (scene) =>
          scene.runWhile(
            () => scene.first.kill("sshd"),
            () => scene.first.revive("sshd"),
          ),
      },
      {
        fault: "an sshd hangs (SIGSTOP) before the rollout",
        restarts: "none",
        happen: (scene) =>
          scene.runWhile(
            () => scene.first.freeze("sshd"),
            () => scene.first.thaw("sshd"),
            { ssh: { ...scene.fleet.planSsh(), connect_timeout: "2s" } },
          ),
      },
      {
        fault: "a supervisord hangs (SIGSTOP) before the rollout",
        restarts: "none",
        happen: (scene) =>
          scene.runWhile(
            () => scene.first.freeze("supervisord"),
            () => scene.first.thaw("supervisord"),
            patience,
          ),
      },
      {
        fault: "a supervisord was killed before the rollout",
        restarts: "none",
        happen: (scene) =>
          scene.runWhile(
            () => scene.first.kill("supervisord"),
            () => scene.first.revive("supervisord"),
          ),
      },
      {
        fault: "a supervisord's socket is gone",
        restarts: "none",
        happen: (scene) => {
          const socket = join(scene.first.dir, "s.sock");
          return scene.runWhile(
            () => rename(socket, `${socket}.away`),
            () => rename(`${socket}.away`, socket),
          );
        },
      },
      {
        fault: "the login may not use supervisord's socket (as root: supervisorctl runs as another account)",
        restarts: "none",
        happen: async (scene) => {
          const socket = join(scene.first.dir, "s.sock");
          if (process.getuid?.() !== 0)
            return scene.runWhile(
              () => chmod(socket, 0),
              () => chmod(socket, 0o700),
            );
          const supervisorctl = `exec setpriv --reuid=65534 --regid=65534 --clear-groups supervisorctl -s unix://${socket} "$@"`;
          const command = await standIn(scene, "supervisorctl", `shift 2; ${supervisorctl}`);
          return scene.run({
            hosts: scene.hostsWithFirst({ supervisor: { command, config: scene.first.supervisorConfig } }),
          });
        },
      },
      {
        fault: "supervisord asks for a password (a stand-in for its HTTP server that answers 401)",
        restarts: "none",
        happen: async (scene) => {
          const server = await serveOnce((socket) =>
            socket.once("data", () =>
              socket.end(
                'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="default"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
              ),
            ),
          );
          try {
            const supervisor = { server_url: `http://127.0.0.1:${server.port}` };
            return await scene.run({ hosts: scene.hostsWithFirst({ supervisor }) });
          } finally {
            await server.close();
          }
        },
      },
      {
        fault:
          "states can be read by XML-RPC, but supervisorctl does not know supervisord's password (a stand-in that says so)",
        restarts: "none",
        happen: async (scene) => {
          const command = await standIn(scene, "supervisorctl", "echo 'Server requires authentication'; exit 1");
          const supervisor = { command, server_url: `unix://${join(scene.first.dir, "s.sock")}` };
          return scene.run({ hosts: scene.hostsWithFirst({ supervisor }) });
        },
      },
      {
        fault: "sudo asks for a password (a stand-in for sudo that says what sudo says)",
        isSampled: true,
        restarts: "none",
        happen: (scene) => withSudo(scene, "echo 'sudo: a password is required' >&2; exit 1"),
      },
      {
        fault: "sudoers has requiretty (a stand-in for sudo that says what sudo says)",
        restarts: "none",
        happen: (scene) => withSudo(scene, "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1"),
      },
      {
        fault: "supervisorctl is a pyenv shim, and the Python that pyenv chooses has none (a stand-in that says so)",
        restarts: "none",
        happen: (scene) =>
          withCommand(scene, "printf '%s\\n' 'pyenv: supervisorctl: command not found' '' 'Note: …' >&2; exit 127"),
      },
      {
        fault: "supervisorctl's Python has no Supervisor",
        restarts: "none",
        happen: (scene) =>
          withCommand(scene, `exec python3 -S -c 'from supervisor.supervisorctl import main; main()' "$@"`),
      },
      {
        fault: "supervisorctl is in a virtualenv that was moved",
        restarts: "none",
        happen: async (scene) => {
          const command = await standIn(scene, "supervisorctl", "");
          await writeFile(command, "#!/srv/before/venv/bin/python\n");
          return scene.run({ hosts: scene.hostsWithFirst({ supervisor: { command } }) });
        },
      },
      {
        fault: "a `~` in supervisor.command",
        restarts: "none",
        happen: (scene) =>
          scene.run({ hosts: scene.hostsWithFirst({ supervisor: { command: "~/venv/bin/supervisorctl" } }) }),
      },
      {
        fault: "there is no supervisorctl on a host",
        restarts: "none",
        happen: (scene) =>
          scene.run({ hosts: scene.hostsWithFirst({ supervisor: { command: "/opt/none/supervisorctl" } }) }),
      },
      {
        fault: "there is no flock(1) on the hosts",
        restarts: "none",
        happen: async (scene) => {
          const dir = join(scene.fleet.dir, "without-flock");
          await mkdir(dir);
          const names = await Promise.all(
            (process.env["PATH"] ?? "").split(":").map((each) =>
              readdir(each).then(
                (files) => files.map((file) => [file, join(each, file)] as const),
                () => [],
              ),
            ),
          );
          for (const [name, file] of new Map(names.flat().reverse()))
            if (name !== "flock") await symlink(file, join(dir, name));
          return scene.withProfile(`PATH=${dir}\n`, () => scene.run());
        },
      },
      {
        fault: "the lock's folder cannot be written to",
        restarts: "none",
        happen: (scene) => scene.run({ lock: { directory: "/proc" } }),
      },
      {
        fault: "a host presented a different key from the one in known_hosts",
        isSampled: true,
        restarts: "none",
        happen: async (scene) =>
          scene.run({
            ssh: await knownHosts(scene, ([one = "", two = ""]) => [
              `${one.split(" ")[0]} ${two.split(" ").slice(1).join(" ")}`,
              two,
            ]),
          }),
      },
      {
        fault: "a host is not in known_hosts",
        restarts: "none",
        happen: async (scene) => scene.run({ ssh: await knownHosts(scene, (lines) => lines.slice(1)) }),
      },
      {
        fault: "a host's key was revoked",
        restarts: "none",
        happen: async (scene) =>
          scene.run({ ssh: await knownHosts(scene, ([one = "", ...rest]) => [`@revoked ${one}`, ...rest]) }),
      },
      {
        fault: "a host rejected our login: the key is another one",
        restarts: "none",
        happen: async (scene) => {
          const identity_file = join(scene.fleet.dir, "other_identity");
          await makeKey(identity_file);
          return scene.run({ hosts: scene.hostsWithFirst({ ssh: { identity_file } }) });
        },
      },
      {
        fault: "a host says it is ssh and closes the connection",
        restarts: "none",
        happen: (scene) => answered(scene, (socket) => socket.end("SSH-2.0-OpenSSH_9.2p1\r\n")),
      },
      {
        fault: "something that is not ssh answers on a host's port",
        restarts: "none",
        happen: (scene) => answered(scene, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      },
      {
        fault: "something takes the connection and never says a word",
        restarts: "none",
        happen: (scene) => answered(scene, () => undefined),
      },
      {
        fault: "a bastion is down before the rollout",
        restarts: "none",
        happen: (scene) => scene.run({ ssh: { ...scene.fleet.planSsh(), proxy_jump: `${scene.first.address}:1` } }),
      },
      {
        fault: "a host has no program of the plan",
        restarts: "none",
        happen: (scene) => scene.run({ programs: ["web", "wbe"] }),
      },
      {
        fault: "two names of the plan are one host",
        restarts: "none",
        happen: (scene) => {
          const hosts = scene.fleet.planHosts();
          return scene.run({ hosts: { ...hosts, twin: hosts[scene.first.name] } });
        },
      },
      {
        fault: "two names of the plan lead to one supervisord by different words",
        restarts: "none",
        happen: (scene) => {
          const { supervisor } = scene.fleet.planHosts()[scene.first.name] ?? assert.fail();
          return scene.run({ hosts: scene.hostsWith("twin", { connection: "local", supervisor }) });
        },
      },
      {
        fault: "a floor that cannot hold",
        restarts: "none",
        happen: (scene) => scene.run({ limits: { min_healthy: 5 } }),
      },
      {
        fault: "a floor that leaves no instance to restart",
        restarts: "none",
        happen: (scene) => scene.run({ limits: { min_healthy: "80%" } }),
      },
      {
        fault: "a check of which a variable makes no URL",
        restarts: "none",
        happen: (scene) => scene.run({ vars: { port: "80a" }, checks: [{ http: "http://127.0.0.1:{vars.port}/" }] }),
      },
      {
        fault: "the journal's folder cannot be made",
        restarts: "none",
        happen: (scene) => scene.run({}, "--state-dir", join(scene.fleet.knownHostsFile, "state")),
      },
    ],
  },
  {
    alsoLocal: true,
    fleet: {
      hosts: 1,
      groups: [
        { name: "web", processes: 1, stopwaitsecs: 600 },
        { name: "grüße", processes: 1 },
      ],
    },
    faults: [
      {
        fault: "supervisorctl runs without a UTF-8 locale, and a program's name is not ASCII",
        restarts: "none",
        happen: (scene) => withCommand(scene, 'PYTHONIOENCODING=ascii exec supervisorctl "$@"'),
      },
      {
        fault: "a supervisord is shutting down, and waits for a program to stop",
        restarts: "none",
        happen: async (scene) => {
          const { first } = scene;
          await first.restartAs("web:web_00", { kind: "held_stop" });
          await scene.begin();
          first.supervisord.signal("SIGTERM");
          const isShuttingDown = async () => (await first.supervisordLog()).includes("waiting for ");
          await until(isShuttingDown, { deadlineMs: 20_000, what: "supervisord is shutting down" });
          try {
            return await scene.run();
          } finally {
            await first.letStop("web:web_00");
            await first.supervisord.ended();
            await first.behave("web:web_00", { kind: "healthy" });
            await first.revive("supervisord");
          }
        },
      },
    ],
  },
  {
    fleet: {
      hosts: 1,
      groups: [...groups, { name: "*", processes: 1, bare: true }, sleeping("odd", "%(ENV_ODD)s")],
      env: { ODD: "my app" },
    },
    faults: [
      {
        fault: "a selected process has a blank in its name, at which supervisorctl would split it",
        restarts: "none",
        happen: (scene) => scene.run({ programs: ["web", "odd"] }),
      },
      {
        fault: "a selected process is called `*`, which to supervisorctl is its whole group",
        restarts: "none",
        happen: (scene) => scene.run({ programs: ["web", "[*]"] }),
      },
      {
        fault: "a command in place of supervisorctl prints a terminal's title before it, without the end of a line",
        restarts: "none",
        happen: async (scene) => {
          const title = "printf '\\033]0;%s\\007' host";
          const command = await standIn(
            scene,
            "supervisorctl",
            `[ $# -gt 2 ] || exit 1; ${title}; exec supervisorctl "$@"`,
          );
          return scene.run({
            hosts: scene.hostsWithFirst({ supervisor: { command, config: scene.first.supervisorConfig } }),
          });
        },
      },
      {
        fault:
          "a process of a group is called `*`: supervisord itself can list nothing (a stand-in that says what it says)",
        restarts: "none",
        happen: async (scene) => {
          const fault =
            "error: <class 'xmlrpc.client.Fault'>, <Fault 10: 'BAD_NAME: web:*'>: file: client.py line: 668";
          const command = await standIn(scene, "supervisorctl", `echo "${fault}"; exit 1`);
          return scene.run({ hosts: scene.hostsWithFirst({ supervisor: { command } }) });
        },
      },
    ],
  },
];
