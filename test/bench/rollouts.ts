/**
 * A rollout one instance after the other, against the floor that Supervisor itself imposes: a stop and a start of each
 * by XML-RPC on the host, without ssh and without a look at what came of it.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { eventsOf, orchestrate, writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { callSupervisor } from "../fleet/supervisor-rpc.ts";
import { median } from "./measure.ts";

const HOSTS = 10;
const INSTANCES = 4;
const PAIRS = 3;

/** How a plan says where supervisord is: by its config looks go through a session, by its socket past supervisorctl. */
const WAYS = {
  "looks by session": ({ supervisorConfig }: FleetHost) => ({ config: supervisorConfig }),
  "looks by XML-RPC": ({ dir }: FleetHost) => ({ server_url: `unix://${join(dir, "s.sock")}` }),
};

/** `10 x 4, one after the other`, with `startsecs` 1 and no rests. */
export async function benchRollouts(): Promise<void> {
  const fleet = await raiseFleet({ hosts: HOSTS, groups: [{ name: "web", processes: INSTANCES }] });
  try {
    const measured = new Map<string, Measured[]>(Object.keys(WAYS).map((way) => [way, []]));
    for (let pair = 0; pair < PAIRS; pair++)
      for (const [way, supervisor] of Object.entries(WAYS)) {
        const floorMs = await floor(fleet);
        measured.get(way)?.push({ floorMs, ...(await rollout(fleet, supervisor)) });
      }
    for (const [way, runs] of measured) tell(way, runs);
  } finally {
    await fleet.down();
  }
}

interface Measured extends Phases {
  readonly floorMs: number;
  readonly wallMs: number;
}

/** Parts of a rollout, by its own events. */
interface Phases {
  readonly connectedMs: number;
  readonly plannedMs: number;
  readonly lookBeforeMs: number;
  readonly changeMs: number;
  readonly lookAfterMs: number;
  readonly closingMs: number;
}

/** Stops and starts each instance of the fleet, as Supervisor can do it fastest. */
async function floor({ hosts }: Fleet): Promise<number> {
  const startedMs = performance.now();
  for (const host of hosts) {
    const socket = join(host.dir, "s.sock");
    for (const { instance } of await host.processes()) {
      await callSupervisor(socket, "stopProcess", [instance, true], 60_000);
      await callSupervisor(socket, "startProcess", [instance, true], 60_000);
    }
  }
  return performance.now() - startedMs;
}

async function rollout(fleet: Fleet, supervisor: (host: FleetHost) => object): Promise<Phases & { wallMs: number }> {
  const hosts = Object.fromEntries(
    fleet.hosts.map((host) => [host.name, { address: host.address, supervisor: supervisor(host) }]),
  );
  const timings = { min_healthy_time: "0s", between_restarts: "0s" };
  const plan = await writePlan(fleet, { hosts, timings });
  const state = join(fleet.dir, "state");
  const [beganMs, beganAtMs] = [performance.now(), Date.now()];
  const ended = await orchestrate(plan, "--output", "json", "--state-dir", state);
  const wallMs = performance.now() - beganMs;
  await rm(state, { recursive: true });
  if (ended.code !== 0) throw new Error(`the rollout ended with ${ended.code}\n${ended.stderr}`);
  return { wallMs, ...phasesOf(eventsOf(ended), beganAtMs, wallMs) };
}

function phasesOf(events: readonly RecordedEvent[], beganAtMs: number, wallMs: number): Phases {
  const sums = { lookBeforeMs: 0, changeMs: 0, lookAfterMs: 0 };
  let connectedMs = 0;
  let plannedMs = 0;
  let lastMs = 0;
  const since = (atMs: number) => {
    const pastMs = atMs - lastMs;
    lastMs = atMs;
    return pastMs;
  };
  for (const event of events) {
    const atMs = Date.parse(event.at) - beganAtMs;
    if (event.type === "host.connected") connectedMs += since(atMs);
    if (event.type === "rollout.started") plannedMs = since(atMs);
    if (event.type === "instance.restarting") sums.lookBeforeMs += since(atMs);
    if (event.type === "instance.observed") sums.changeMs += since(atMs);
    if (event.type === "instance.healthy") sums.lookAfterMs += since(atMs);
    if (event.type === "rollout.finished") lastMs = atMs;
  }
  return { ...sums, connectedMs, plannedMs, closingMs: wallMs - lastMs };
}

function tell(way: string, runs: readonly Measured[]): void {
  const ratio = median(runs.map(({ wallMs, floorMs }) => wallMs / floorMs));
  const of = (pick: (run: Measured) => number) => median(runs.map(pick));
  const all = HOSTS * INSTANCES;
  console.log(
    [
      `rollout of ${HOSTS} x ${INSTANCES} one by one, ${way}: ${of(({ wallMs }) => wallMs).toFixed(0)} ms; ` +
        `Supervisor's floor: ${of(({ floorMs }) => floorMs).toFixed(0)} ms; ratio ${ratio.toFixed(3)} (${runs.length} pairs)`,
      `  start-up, connect, first looks ${of(({ connectedMs }) => connectedMs).toFixed(0)} ms` +
        `; plan, locks, journal ${of(({ plannedMs }) => plannedMs).toFixed(0)} ms; closing ${of(({ closingMs }) => closingMs).toFixed(0)} ms`,
      `  per instance: look before ${(of(({ lookBeforeMs }) => lookBeforeMs) / all).toFixed(1)} ms` +
        `; change and first look after ${(of(({ changeMs }) => changeMs) / all).toFixed(1)} ms` +
        ` (the floor: ${(of(({ floorMs }) => floorMs) / all).toFixed(1)} ms)` +
        `; verdict ${(of(({ lookAfterMs }) => lookAfterMs) / all).toFixed(1)} ms`,
    ].join("\n"),
  );
}
