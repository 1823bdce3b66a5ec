import { compareNaturally, type HostName, type InstanceName } from "../../src/domain/ids.ts";
import type { FleetReport } from "../../src/domain/fleet.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { healthy, SimProcess, type SimBehaviour } from "./sim-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Hosts with their simulated processes, in virtual time. */
export class SimFleet {
  readonly hosts = new Map<HostName, Map<InstanceName, SimProcess>>();
  private pid = 1000;

  constructor(time: VirtualTime, hosts: readonly HostName[], instances: readonly string[]) {
    for (const host of hosts) {
      const processes = [...instances].sort(compareNaturally).map((name): [InstanceName, SimProcess] => {
        const instance = name as InstanceName;
        return [instance, new SimProcess(instance, time, () => ++this.pid)];
      });
      this.hosts.set(host, new Map(processes));
    }
  }

  process(host: string, instance: string): SimProcess {
    const process = this.hosts.get(host as HostName)?.get(instance as InstanceName);
    if (!process) throw new Error(`the simulated fleet has no ${host} ${instance}`);
    return process;
  }

  behave(host: string, instance: string, behaviour: Partial<SimBehaviour>): void {
    this.process(host, instance).behaviour = { ...healthy, ...behaviour };
  }

  look(host: HostName): ProcessSnapshot[] {
    return [...(this.hosts.get(host)?.values() ?? [])].map((process) => process.snapshot());
  }

  report(): FleetReport {
    return new Map([...this.hosts.keys()].map((host) => [host, { host, instances: this.look(host) }]));
  }
}
