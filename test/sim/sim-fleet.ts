import { compareNaturally, type HostName, type InstanceName } from "../../src/domain/ids.ts";
import type { FleetReport, HostReport } from "../../src/domain/fleet.ts";
import type { LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import { healthy, SimProcess, type SimBehaviour } from "./sim-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Hosts with their simulated processes, in virtual time. */
export class SimFleet {
  readonly hosts = new Map<HostName, Map<InstanceName, SimProcess>>();
  /** Hosts that nobody can reach. */
  readonly unreachable = new Set<HostName>();
  /** Called when a host is lost: what was sent to it has no answer any more. */
  onLost: (host: HostName) => void = () => undefined;
  /** Hosts whose supervisord does nothing, with what it will do once it goes on. */
  private readonly hung = new Map<HostName, (() => void)[]>();
  /** When those were removed that somebody has taken out of the config. */
  readonly removed = new Map<string, number>();
  private readonly time: VirtualTime;
  private pid = 1000;

  constructor(time: VirtualTime, hosts: readonly HostName[], instances: readonly string[]) {
    this.time = time;
    for (const host of hosts)
      for (const instance of [...instances].sort(compareNaturally)) this.add(host, instance as InstanceName);
  }

  /** As `supervisorctl update` does after a change of the config. */
  add(host: HostName, instance: InstanceName): void {
    const processes = this.hosts.get(host) ?? new Map<InstanceName, SimProcess>();
    this.hosts.set(host, processes.set(instance, new SimProcess(instance, this.time, () => ++this.pid)));
  }

  remove(host: HostName, instance: InstanceName): void {
    this.removed.set(`${host} ${instance}`, this.time.now);
    this.hosts.get(host)?.delete(instance);
  }

  lose(host: HostName): void {
    this.unreachable.add(host);
    this.onLost(host);
  }

  hang(host: HostName): void {
    this.hung.set(host, []);
  }

  isHung(host: HostName): boolean {
    return this.hung.has(host);
  }

  goOn(host: HostName): void {
    const due = this.hung.get(host) ?? [];
    this.hung.delete(host);
    for (const act of due) act();
  }

  /** What a client asks of a supervisord that hangs is done when that goes on. */
  request(host: HostName, act: () => void): void {
    const due = this.hung.get(host);
    if (due) due.push(act);
    else act();
  }

  /** As supervisorctl does it; `done` gets its words. */
  change(action: "restart" | "start", host: HostName, instance: InstanceName, done: (said: string) => void): void {
    this.request(host, () => {
      const process = this.hosts.get(host)?.get(instance);
      if (process) process[action](done);
      else done(`${instance}: ERROR (no such process)`);
    });
  }

  process(host: string, instance: string): SimProcess {
    const process = this.hosts.get(host as HostName)?.get(instance as InstanceName);
    if (!process) throw new Error(`the simulated fleet has no ${host} ${instance}`);
    return process;
  }

  behave(host: string, instance: string, behaviour: Partial<SimBehaviour>): void {
    this.process(host, instance).behave({ ...healthy, ...behaviour });
  }

  look(host: HostName): LookOutcome {
    if (this.unreachable.has(host)) return { kind: "unreachable", reason: "no route" };
    return { kind: "seen", snapshots: this.snapshots(host) };
  }

  report(): FleetReport {
    return new Map([...this.hosts.keys()].map((host) => [host, this.hostReport(host)]));
  }

  private hostReport(host: HostName): HostReport {
    if (this.unreachable.has(host)) return { host, refusal: { code: "unreachable", host, reason: "no route" } };
    return { host, instances: this.snapshots(host) };
  }

  private snapshots(host: HostName): ProcessSnapshot[] {
    return [...(this.hosts.get(host)?.values() ?? [])].map((process) => process.snapshot());
  }
}
