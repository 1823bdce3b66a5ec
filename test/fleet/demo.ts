/**
 * `npm run demo`: raises a small real fleet on loopback and performs a rolling restart on it, from plans/demo.yaml. With
 * `--deploy` it deploys a release on it, with its configuration, and then a broken one, from plans/deploy.yaml.
 * With `--keep` the fleet stays until Ctrl-C, to try things on it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { changeConfiguration, DEPLOYED, standing, writeReleases } from "./demo-deploy.ts";
import { raiseFleet, type Fleet } from "./fleet.ts";
import { ensurePrerequisites } from "./prerequisites.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What plans/demo.yaml says: where the hosts listen and where their files are. */
const place = { dir: "/tmp/orchestrate-demo", namePrefix: "demo-", loopback: { net: "127.77.7", port: 22077 } };

async function demo(): Promise<number> {
  ensurePrerequisites();
  // Ctrl-C is for the rollout, which has its own way of ending; the fleet is brought down after it.
  process.on("SIGINT", () => undefined);
  return process.argv.includes("--deploy") ? deploy() : restart();
}

async function restart(): Promise<number> {
  console.log("raising 3 hosts, each with a real sshd and a real supervisord that runs web:web_00 to web:web_03 ...");
  const fleet = await raiseFleet({ ...place, hosts: 3 });
  try {
    const before = await pids(fleet);
    const code = await orchestrate("plans/demo.yaml");
    const after = await pids(fleet);
    const renewed = [...after].filter(([instance, pid]) => before.get(instance) !== pid).length;
    console.log(`exit ${code}; asked from outside, ${renewed} of ${after.size} instances have a new pid`);
    if (process.argv.includes("--keep")) await keep();
    return code;
  } finally {
    await fleet.down();
  }
}

/** A good release with its configuration, and a broken one, which goes back by itself. */
async function deploy(): Promise<number> {
  console.log("raising 3 hosts, each with a real sshd and a real supervisord that runs 2 processes of release 1 ...");
  const fleet = await raiseFleet({ ...place, hosts: 3, groups: [DEPLOYED], prepare: writeReleases });
  const showStanding = async () => console.log(`asked from outside:\n  ${(await standing(fleet)).join("\n  ")}\n`);
  try {
    for (const host of fleet.hosts) changeConfiguration(host);
    console.log("the configuration of each host has another command now, and numprocs=3\n");
    await orchestrate("plans/deploy.yaml", "--dry-run");
    const deployed = await orchestrate("plans/deploy.yaml");
    await showStanding();
    console.log("release 3 dies four seconds after its start\n");
    const reverted = await orchestrate("plans/deploy.yaml", "--set", "vars.release=3");
    await showStanding();
    if (process.argv.includes("--keep")) await keep();
    return deployed === 0 && reverted === 1 ? 0 : 1;
  } finally {
    await fleet.down();
  }
}

async function orchestrate(...args: readonly string[]): Promise<number> {
  console.log(`$ orchestrate ${args.join(" ")}`);
  const child = spawn(process.execPath, ["dist/orchestrate.cjs", ...args], { cwd: root, stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

async function pids(fleet: Fleet): Promise<Map<string, number>> {
  const hosts = await Promise.all(fleet.hosts.map(async (host) => ({ host, processes: await host.processes() })));
  return new Map(
    hosts.flatMap(({ host, processes }) =>
      processes.map(({ instance, pid }) => [`${host.name} ${instance}`, pid] as const),
    ),
  );
}

async function keep(): Promise<void> {
  console.log(
    "the fleet stays up; try `npx orchestrate plans/demo.yaml --dry-run` in another terminal; Ctrl-C ends it",
  );
  // A signal listener alone does not keep Node alive.
  const alive = setInterval(() => undefined, 1 << 30);
  await once(process, "SIGINT");
  clearInterval(alive);
}

demo().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
