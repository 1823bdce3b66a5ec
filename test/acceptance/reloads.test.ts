import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { itInFull } from "../amount.ts";
import { ensurePrerequisites, findProgram } from "../fleet/prerequisites.ts";
import { freePort } from "../fleet/free-port.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

const prefork = join(import.meta.dirname, "..", "fleet", "prefork.py");

/** Release 1 is current; release 2 is there as well. */
function writeReleases(dir: string, isBroken: boolean): void {
  for (const release of ["1", "2"]) {
    mkdirSync(join(dir, "releases", release), { recursive: true });
    writeFileSync(join(dir, "releases", release, "release"), release);
  }
  if (isBroken) writeFileSync(join(dir, "releases", "2", "broken"), "");
  symlinkSync(join(dir, "releases", "1"), join(dir, "current"));
}

/** What a server answers, or `failed`. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ port, host: "127.0.0.1", agent: false, timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => (text += more));
      response.on("error", () => resolve("failed"));
      response.on("end", () => resolve(response.statusCode === 200 ? text : "failed"));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", () => resolve("failed"));
  });
}

/** Clients that ask one request after the other until they are stopped. */
function clients(port: number, howMany: number): { stop(): Promise<readonly string[]> } {
  const answers: string[] = [];
  let isOver = false;
  const each = async () => {
    while (!isOver) answers.push(await ask(port));
  };
  const all = Promise.all(Array.from({ length: howMany }, each));
  return {
    async stop() {
      isOver = true;
      await all;
      return answers;
    },
  };
}

/** @param brokenAt the host, counted from 0, whose release 2 ends the master */
async function raiseMasters(hosts: number, brokenAt?: number): Promise<{ fleet: Fleet; ports: number[] }> {
  const ports: number[] = [];
  for (let host = 0; host < hosts; host++) ports.push(await freePort());
  const fleet = await raiseFleet({
    hosts,
    groups: [
      {
        name: "web",
        processes: 1,
        bare: true,
        // supervisord expands it on each host: the port is the only thing that differs.
        extraLines: [`command=sh -c 'exec python3 ${prefork} $(cat "$FLEET_HOST_DIR/port") "$FLEET_HOST_DIR/current"'`],
      },
    ],
    prepare(dir, index) {
      writeReleases(dir, index === brokenAt);
      writeFileSync(join(dir, "port"), String(ports[index]));
    },
  });
  for (const port of ports)
    await until(async () => (await ask(port)) === "1", { deadlineMs: 30_000, what: `release 1 is served on ${port}` });
  return { fleet, ports };
}

/** A reload of each host's master to release 2; its checks prove that its children are of that release. */
function reloadPlan(fleet: Fleet): Promise<string> {
  // The file ends without a line break, which `read` reports as a failure.
  const children = "read -r first _ < /proc/{pid}/task/{pid}/children";
  return writePlan(fleet, {
    programs: [
      {
        web: {
          action: { signal: "HUP" },
          checks: [{ command: `${children}; readlink "/proc/$first/cwd" | grep -q 'releases/2$'` }],
        },
      },
    ],
    hooks: { before_host: 'ln -sfn "$FLEET_HOST_DIR/releases/2" "$FLEET_HOST_DIR/current"' },
    timings: { ...quickTimings, min_healthy_time: "1s" },
  });
}

async function startNginx(dir: string, ports: readonly number[]): Promise<{ nginx: ChildProcess; port: number }> {
  const port = await freePort();
  const config = join(dir, "nginx.conf");
  writeFileSync(
    config,
    [
      "daemon off; worker_processes 1;",
      ...(process.getuid?.() === 0 ? ["user root;"] : []),
      `pid ${join(dir, "nginx.pid")}; error_log ${join(dir, "nginx.err")};`,
      "events {}",
      "http {",
      "  access_log off;",
      ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `  ${name}_temp_path ${dir}/nginx-${name};`,
      ),
      `  upstream web { ${ports.map((each) => `server 127.0.0.1:${each} max_fails=0;`).join(" ")} }`,
      "  server {",
      `    listen 127.0.0.1:${port};`,
      // A failure of one server is not hidden by another.
      "    location / { proxy_pass http://web; proxy_next_upstream off; }",
      "  }",
      "}",
    ].join("\n"),
  );
  const nginx = spawn(findProgram("nginx") ?? "nginx", ["-c", config, "-p", dir], { stdio: "ignore" });
  await until(async () => (await ask(port)) === "1", { deadlineMs: 30_000, what: "nginx answers" });
  return { nginx, port };
}

describe("a prefork master that reloads by HUP", () => {
  itInFull("keeps its pid on four hosts, and no client behind a real nginx sees a request fail", async () => {
    ensurePrerequisites([{ name: "nginx", apt: "nginx-light", dnf: "nginx" }]);
    const { fleet, ports } = await raiseMasters(4);
    let nginx: ChildProcess | undefined;
    try {
      const pids = await Promise.all(fleet.hosts.map(async (host) => (await host.process("web")).pid));
      const started = await startNginx(fleet.dir, ports);
      nginx = started.nginx;
      const asking = clients(started.port, 8);
      const ended = await orchestrate(await reloadPlan(fleet), "--output", "json");
      const answers = await asking.stop();
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assert.deepEqual(await Promise.all(fleet.hosts.map(async (host) => (await host.process("web")).pid)), pids);
      const kinds = new Set(answers);
      assert.deepEqual([...kinds].sort(), ["1", "2"], `${answers.length} answers`);
      for (const port of ports) assert.equal(await ask(port), "2");
    } finally {
      nginx?.kill();
      await fleet.down();
    }
  });

  it("halts the rollout where the new code crashes on HUP: the hosts after it keep their release", async () => {
    const { fleet, ports } = await raiseMasters(3, 1);
    try {
      const ended = await orchestrate(await reloadPlan(fleet), "--output", "json");
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      const failed = eventsOf(ended).find((event) => event.type === "instance.failed");
      assert.equal(failed?.host, "host-2");
      assert.match(failed.reason, /was on pid \d+ when it was signalled/);
      const [first = 0, , third = 0] = ports;
      assert.equal(await ask(first), "2");
      assert.equal(await ask(third), "1");
    } finally {
      await fleet.down();
    }
  });
});
