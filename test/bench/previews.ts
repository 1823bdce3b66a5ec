/** A preview of many hosts, against one `supervisorctl status` on each by other means. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLE, writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { costText, measure, median, medianCost, type Cost } from "./measure.ts";
import { planHostsNamed, type Way } from "./names.ts";

const REAL_HOSTS = 50;
const RUNS = 3;
/** As many handshakes at once as we have. */
const AT_ONCE = 16;

export async function benchPreviews(): Promise<void> {
  const fleet = await raiseFleet({ hosts: REAL_HOSTS, groups: [{ name: "web", processes: 2 }] });
  try {
    const others = await otherMeans(fleet);
    for (const hosts of [10, 50, 200]) await compare(fleet, hosts, others);
  } finally {
    await fleet.down();
  }
}

/** A command that looks at so many hosts; undefined where it cannot. */
type Means = (hosts: number) => readonly string[] | undefined;

async function compare(fleet: Fleet, hosts: number, others: ReadonlyMap<string, Means>): Promise<void> {
  console.log(`${hosts} hosts${hosts > REAL_HOSTS ? `, names of ${REAL_HOSTS}` : ""}, medians of ${RUNS}`);
  const ours = (["session", "XML-RPC"] as const).map(async (way: Way) => {
    const plan = await writePlan(fleet, { hosts: planHostsNamed(fleet, hosts, way) }, `preview-${hosts}-${way}`);
    return [`preview by ${way}`, [process.execPath, BUNDLE, plan, "--dry-run"]] as const;
  });
  const theirs = [...others].flatMap(([name, means]) => {
    const command = means(hosts);
    return command ? [[name, command] as const] : [];
  });
  const commands = [...(await Promise.all(ours)), ...theirs];
  const costs = new Map<string, Cost[]>(commands.map(([name]) => [name, []]));
  // Once unmeasured: what is read from disk is there then, and masters that stay open are.
  for (const [, command] of commands) await measure(command);
  for (let run = 0; run < RUNS; run++)
    for (const [name, command] of commands) costs.get(name)?.push(await measure(command));
  const floor = costs.get(LOOP) ?? [];
  for (const [name, runs] of costs) {
    const ratio = median(runs.map(({ wallMs }, run) => wallMs / (floor[run]?.wallMs ?? NaN)));
    console.log(`  ${name}: ${costText(medianCost(runs))}; ratio to the loop ${ratio.toFixed(2)}`);
  }
}

const LOOP = "a loop of ssh with ControlMaster, 16 at once";

const EACH_IN_PARALLEL = 'at_once=$1 script=$2; shift 2; printf "%s\\n" "$@" | xargs -P "$at_once" -n 1 "$script"';

/** What people have without us: they look once, and neither plan nor read the configuration or locks. */
async function otherMeans(fleet: Fleet): Promise<ReadonlyMap<string, Means>> {
  const { port, identity_file, known_hosts_file } = fleet.planSsh();
  const options = ["-F", "none", "-p", port, "-i", identity_file, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"];
  const ssh = ["ssh", ...options, "-o", `UserKnownHostsFile=${known_hosts_file}`].join(" ");
  const look = "supervisorctl -c '$FLEET_HOST_DIR/supervisord.conf' status";
  const addresses = (hosts: number) =>
    Array.from({ length: hosts }, (_, index) => fleet.hosts[index % fleet.hosts.length]!.address);
  const remote = look.replaceAll("'", '"');
  const loopWith = async (name: string, master: string): Promise<Means> => {
    const script = join(fleet.dir, name);
    // A master that stays would keep our pipe open.
    await writeFile(script, `#!/bin/sh\nexec ${ssh} -o ControlMaster=auto ${master} "$1" '${remote}' 2>/dev/null\n`);
    await chmod(script, 0o755);
    return (hosts) => ["sh", "-c", EACH_IN_PARALLEL, "sh", String(AT_ONCE), script, ...addresses(hosts)];
  };
  const means = new Map([
    [LOOP, await loopWith("cold", `-o ControlPath=${fleet.dir}/cm-$$ -o ControlPersist=no`)],
    [
      "the same with its connections already open",
      await loopWith("warm", `-o ControlPath=${fleet.dir}/cm-%h -o ControlPersist=300`),
    ],
  ]);
  // It takes a name once, so that it can have no more hosts than there are.
  const clush: Means = (hosts) => {
    if (hosts > REAL_HOSTS) return undefined;
    const nodes = addresses(hosts).join(",");
    const sshOptions = [...options, "-o", `UserKnownHostsFile=${known_hosts_file}`].join(" ");
    return ["clush", "-f", String(AT_ONCE), "-o", sshOptions, "-w", nodes, remote];
  };
  if (findProgram("clush") !== undefined) means.set("clush, 16 at once", clush);
  return means;
}
