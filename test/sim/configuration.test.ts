import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostName, InstanceName, ProgramName } from "../../src/domain/ids.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import type { GroupOptions } from "../fleet/host-files.ts";
import { openHost } from "../../src/hosts/open.ts";
import { targetOf } from "../hosts/fixtures.ts";
import {
  describeConfiguration,
  FIRST,
  GROUPS,
  type ConfiguredGroup,
  type ConfiguredHost,
} from "./configuration.contract.ts";
import { drivenHost } from "./driven-host.ts";
import type { GroupOnDisk } from "./sim-disks.ts";
import { SimFleet } from "./sim-fleet.ts";
import { defaultConfig, healthy, type SimBehaviour } from "./sim-process.ts";
import { VirtualTime } from "./virtual-time.ts";

const LOOK_EVERY_MS = 20;
const HOST = "host" as HostName;

describeConfiguration("a simulated supervisord", () => Promise.resolve(simulatedHost()));

describe("a real supervisord", () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: FIRST.map(groupOptions) });
  });
  after(() => fleet.down());

  describeConfiguration("reached through ssh2", () => realHost(fleet));
});

async function realHost(fleet: Fleet): Promise<ConfiguredHost> {
  const host = fleet.host("host-1");
  const { reader, changes, close } = await drivenHost(host, openHost(targetOf(fleet, host)), GROUPS);
  return {
    async look() {
      await sleep(LOOK_EVERY_MS);
      return reader.look();
    },
    change: (change) => changes.change(change),
    reread: () => reader.reread(),
    configure: (groups) => host.configure(groups.map(groupOptions)),
    break: () => appendFile(host.supervisorConfig, "[program:broken]\nnumprocs=many\n"),
    updateHalfWay: (group, end) => host.updateHalfWay(group, end),
    onSignal: (instance, what) =>
      host.behave(instance, { kind: what === "crashes" ? "crash_at_start" : what === "dies" ? "healthy" : what }),
    close,
  };
}

function groupOptions({ name, processes, autostart = true, version = 0 }: ConfiguredGroup): GroupOptions {
  return { name, processes, autostart, extraLines: [`environment=VERSION="${version}"`] };
}

function simulatedHost(): ConfiguredHost {
  const time = new VirtualTime();
  const fleet = new SimFleet(time, [HOST]);
  let written = 0;
  for (const group of FIRST) {
    for (const instance of onDisk(group, 0).instances.keys())
      fleet.add(HOST, instance, { ...healthy, onSignal: "dies" });
  }
  let last = FIRST;
  const pass = (ms: number) => {
    const atMs = time.now + ms;
    time.at(atMs, () => undefined);
    time.run(() => time.now >= atMs);
  };
  return {
    look() {
      pass(LOOK_EVERY_MS);
      return Promise.resolve(fleet.look(HOST));
    },
    async change(change) {
      let answer: string | undefined;
      fleet.change(change, HOST, (said) => (answer = said));
      time.run(() => answer !== undefined);
      const said = answer ?? "nothing";
      const isRefused = change.action === "signal" && !said.endsWith(": signalled");
      return Promise.resolve({ kind: "returned", said, ...(isRefused && { isRefused }) });
    },
    reread: () => Promise.resolve(fleet.disks.reread(HOST)),
    configure(groups) {
      fleet.disks.mend(HOST);
      written++;
      for (const { name } of last)
        if (!groups.some((group) => group.name === name)) fleet.disks.erase(HOST, name as ProgramName);
      for (const group of groups) {
        const isAsBefore = last.some((one) => JSON.stringify(one) === JSON.stringify(group));
        if (!isAsBefore) fleet.disks.write(HOST, group.name as ProgramName, onDisk(group, written));
      }
      last = groups;
      return Promise.resolve();
    },
    break: () => Promise.resolve(fleet.disks.break(HOST, "not a number")),
    updateHalfWay(group, end) {
      let isOver = false;
      fleet.change({ action: "update", group }, HOST, () => (isOver = true), end);
      time.run(() => isOver);
      return Promise.resolve();
    },
    onSignal(instance, what) {
      const behaviour: SimBehaviour = { ...healthy, crashesAtStart: what === "crashes" ? Infinity : 0 };
      fleet.process(HOST, instance).behaviour = what === "dies" ? { ...behaviour, onSignal: "dies" } : behaviour;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

function onDisk({ name, processes, autostart = true }: ConfiguredGroup, version: number): GroupOnDisk {
  const names = Array.from({ length: processes }, (_, index) => `${name}:${name}_0${index}` as InstanceName);
  return {
    version,
    instances: new Map(names.map((instance) => [instance, { config: { ...defaultConfig, autostart } }])),
  };
}
