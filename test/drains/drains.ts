/**
 * `npm run drains`: rolls restarts under load behind a real HAProxy and a real nginx, with the scripts of
 * docs/examples as hooks, and once without them. Not a part of `npm test`, as it needs both servers and socat.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { freePort } from "../fleet/free-port.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { ensurePrerequisites, findProgram } from "../fleet/prerequisites.ts";
import { until } from "../fleet/until.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** How long a request takes: some are under way whenever an instance stops. */
const REQUEST_MS = 150;
const CLIENTS = 12;

interface Backend {
  /** `host-1-web_00`, as both balancers call it. */
  readonly name: string;
  readonly port: number;
  readonly server: Server;
}

interface Balancer {
  readonly process: ChildProcess;
  readonly port: number;
  readonly hook: (action: "drain" | "ready") => string;
  readonly env: NodeJS.ProcessEnv;
}

/** Serves what an instance would: nothing while that is down, and nobody to the end whom it leaves in the middle. */
async function serve(name: string, readyFile: string): Promise<Backend> {
  const server = createServer((request, response) => {
    const asked = pidIn(readyFile);
    if (asked === undefined) return void request.socket.destroy();
    setTimeout(() => {
      if (pidIn(readyFile) === asked) response.end("ok");
      else request.socket.destroy();
    }, REQUEST_MS);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { name, port: (server.address() as AddressInfo).port, server };
}

/** The process that serves; undefined while there is none. */
function pidIn(readyFile: string): string | undefined {
  try {
    return readFileSync(readyFile, "utf8");
  } catch {
    return undefined;
  }
}

async function haproxy(dir: string, backends: readonly Backend[]): Promise<Balancer> {
  const port = await freePort();
  const socket = join(dir, "haproxy.sock");
  const config = join(dir, "haproxy.cfg");
  writeFileSync(
    config,
    [
      "global",
      `  stats socket ${socket} mode 600 level admin`,
      "defaults",
      "  mode http",
      "  timeout connect 2s",
      "  timeout client 10s",
      "  timeout server 10s",
      "frontend front",
      `  bind 127.0.0.1:${port}`,
      "  default_backend web",
      "backend web",
      ...backends.map((backend) => `  server ${backend.name} 127.0.0.1:${backend.port} check inter 1s`),
      "",
    ].join("\n"),
  );
  const process = spawn(program("haproxy"), ["-db", "-f", config], { stdio: ["ignore", "ignore", "inherit"] });
  const hook = (action: string) => `docs/examples/drain-haproxy ${action} web/{host}-{process}`;
  return { process, port, hook, env: { HAPROXY_SOCKET: socket } };
}

async function nginx(dir: string, backends: readonly Backend[]): Promise<Balancer> {
  const port = await freePort();
  const upstream = join(dir, "upstream-web.conf");
  const config = join(dir, "nginx.conf");
  const pid = join(dir, "nginx.pid");
  writeFileSync(upstream, backends.map(({ name, port }) => `server 127.0.0.1:${port}; # ${name}\n`).join(""));
  writeFileSync(
    config,
    `pid ${pid};\nerror_log ${dir}/nginx.log;\ndaemon off;\nevents {}\nhttp {\n  access_log off;\n` +
      `  client_body_temp_path ${dir}/body;\n  proxy_temp_path ${dir}/proxy;\n  fastcgi_temp_path ${dir}/fcgi;\n` +
      `  uwsgi_temp_path ${dir}/uwsgi;\n  scgi_temp_path ${dir}/scgi;\n` +
      `  upstream web { include ${upstream}; }\n` +
      `  server { listen 127.0.0.1:${port}; location / { proxy_pass http://web; proxy_next_upstream off; } }\n}\n`,
  );
  const process = spawn(program("nginx"), ["-c", config], { stdio: ["ignore", "ignore", "inherit"] });
  const hook = (action: string) => `docs/examples/drain-nginx ${action} {host}-{process}`;
  const env = { NGINX_UPSTREAM: upstream, NGINX_PID: pid, NGINX: `${program("nginx")} -c ${config}` };
  return { process, port, hook, env };
}

function program(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`this needs ${name}: sudo apt-get install haproxy nginx-light socat`);
  return found;
}

/** Asks for ever, as many at once as there are clients, and counts the answers. */
function load(port: number): { readonly answers: Map<string, number>; stop(): Promise<void> } {
  const answers = new Map<string, number>();
  let goesOn = true;
  const client = async () => {
    while (goesOn) {
      const status = await ask(port);
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    answers,
    async stop() {
      goesOn = false;
      await Promise.all(clients);
    },
  };
}

function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, agent: false }, (response) => {
      response.resume().on("close", () => resolve(String(response.statusCode)));
    });
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/**
 * Restarts everything behind the balancer while it is asked. Returns how many requests failed.
 *
 * @param more of the plan: hooks, checks
 */
async function roll(fleet: Fleet, balancer: Balancer, more: Record<string, unknown>, name: string): Promise<number> {
  const plan = join(fleet.dir, `${name}.yaml`);
  const keys = {
    programs: "web",
    hosts: fleet.planHosts(),
    ssh: fleet.planSsh(),
    lock: { directory: fleet.dir },
    ...more,
  };
  const timings = { between_checks: "500ms", between_restarts: "500ms", min_healthy_time: "500ms" };
  writeFileSync(plan, stringify({ version: 1, ...keys, timings, batches: { hosts: 2 } }));
  await until(async () => (await ask(balancer.port)) === "200", { deadlineMs: 20_000, what: "an answer" });
  const clients = load(balancer.port);
  const child = spawn(process.execPath, ["dist/orchestrate.cjs", plan, "--state-dir", join(fleet.dir, "state")], {
    cwd: root,
    env: { ...process.env, ...balancer.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(child, "close")) as [number | null];
  await clients.stop();
  if (code !== 0) throw new Error(`${name}: exit ${code}\n${said}`);
  const counted = [...clients.answers].map(([status, times]) => `${times} x ${status}`).join(", ");
  console.log(`${name}: ${said.trim().split("\n").at(-1)}; requests meanwhile: ${counted}`);
  return [...clients.answers].reduce((failed, [status, times]) => failed + (status === "200" ? 0 : times), 0);
}

async function main(): Promise<void> {
  ensurePrerequisites();
  ["haproxy", "nginx", "socat", "flock", "pgrep"].forEach(program);
  const fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 3 }] });
  const backends: Backend[] = [];
  const balancers: Balancer[] = [];
  try {
    for (const host of fleet.hosts)
      for (const { instance } of await host.processes())
        backends.push(await serve(`${host.name}-${instance.split(":").at(-1)}`, host.readyFile(instance)));
    for (const [name, open] of Object.entries({ haproxy, nginx })) {
      const balancer = await open(fleet.dir, backends);
      balancers.push(balancer);
      const controller = (action: "drain" | "ready") => ({ command: balancer.hook(action), run: "controller" });
      const hooks = { before_restart: controller("drain"), after_healthy: controller("ready") };
      const without = await roll(fleet, balancer, {}, `${name}-without-hooks`);
      // RUNNING is not yet serving: perl may be late with its file, above all on a busy machine.
      const checks = [{ command: "test -s $FLEET_HOST_DIR/ready/{process}" }];
      const withHooks = await roll(fleet, balancer, { hooks, checks }, `${name}-with-hooks`);
      if (without === 0) throw new Error(`${name}: nothing failed without hooks either: this proves nothing`);
      if (withHooks > 0) throw new Error(`${name}: ${withHooks} requests failed in spite of the hooks`);
    }
  } finally {
    for (const { process } of balancers) process.kill("SIGTERM");
    for (const { server } of backends) server.close();
    await fleet.down();
  }
}

await main();
