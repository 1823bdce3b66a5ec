import { setTimeout as sleep } from "node:timers/promises";
import type { HostName, ProgramName } from "../../src/domain/ids.ts";
import type { HostAccess } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import { FULL } from "../amount.ts";
import type { Behaviour } from "../fleet/behaviour.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { targetOf } from "../hosts/fixtures.ts";
import { drivenHost } from "./driven-host.ts";
import { SimFleet } from "./sim-fleet.ts";
import { healthy, type SimBehaviour } from "./sim-process.ts";
import { describeSupervisord, INSTANCES, STARTSECS, type PlayedHost } from "./supervisord.contract.ts";
import { VirtualTime } from "./virtual-time.ts";

const LOOK_EVERY_MS = 20;
const STARTSECS_MS = STARTSECS * 1000;

describeSupervisord("a simulated supervisord", () => Promise.resolve(simulatedHost()));

describe("a real supervisord", () => {
  let fleet: Fleet;
  before(async () => {
    const web = { name: "web", processes: INSTANCES.length, startsecs: STARTSECS };
    fleet = await raiseFleet({ hosts: 3, groups: [web] });
  });
  after(() => fleet.down());

  function describeReached(name: string, hostName: string, reach: (host: FleetHost) => HostAccess): void {
    describeSupervisord(`reached ${name}`, () => realHost(fleet.host(hostName), reach(fleet.host(hostName))));
  }

  describeReached("through ssh2", "host-1", (host) => openHost(targetOf(fleet, host)));
  if (FULL)
    describeReached("through the ssh program", "host-2", (host) =>
      openHost(targetOf(fleet, host, { client: "system" })),
    );
  if (FULL) describeReached("on this machine", "host-3", (host) => openLocal(host.name as HostName));
});

async function realHost(host: FleetHost, access: HostAccess): Promise<PlayedHost> {
  const { reader, changes, close } = await drivenHost(host, access, ["web" as ProgramName]);
  return {
    async look() {
      await sleep(LOOK_EVERY_MS);
      return reader.look();
    },
    change: (action, instance) => changes.change({ action, instance }),
    stop: (instance) => host.stop(instance),
    behave: (instance, behaviour) => host.behave(instance, behaviour),
    close,
  };
}

function simulatedHost(): PlayedHost {
  const time = new VirtualTime();
  const host = "host" as HostName;
  const fleet = new SimFleet(time, [host], INSTANCES);
  return {
    look() {
      const atMs = time.now + LOOK_EVERY_MS;
      time.at(atMs, () => undefined);
      time.run(() => time.now >= atMs);
      return Promise.resolve(fleet.look(host));
    },
    change: (action, instance) =>
      new Promise((resolve) => fleet.change({ action, instance }, host, (said) => resolve({ kind: "returned", said }))),
    stop: (instance) =>
      new Promise((resolve, reject) =>
        fleet.process(host, instance).stop((said) => {
          if (said.includes("ERROR")) reject(new Error(said));
          else resolve();
        }),
      ),
    behave(instance, behaviour) {
      fleet.process(host, instance).behaviour = { ...healthy, startsecsMs: STARTSECS_MS, ...simulated(behaviour) };
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

function simulated(behaviour: Behaviour): Partial<SimBehaviour> {
  switch (behaviour.kind) {
    case "crash_at_start":
      return { crashesAtStart: Infinity };
    case "recovers":
      return { crashesAtStart: behaviour.failures };
    case "crash_after":
      // Counted from its start.
      return { diesAfterMs: behaviour.seconds * 1000 - STARTSECS_MS };
    case "exit_after":
      return { completesAfterMs: behaviour.seconds * 1000 - STARTSECS_MS };
    case "slow_stop":
      return { stopMs: behaviour.seconds * 1000 };
    case "file_gone":
      return { fileGone: true };
    case "healthy":
    case "reloads":
    case "held_stop":
    case "ignore_term":
    case "slow_start":
      return {};
  }
}
