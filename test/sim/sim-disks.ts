import type { ConfiguredInstance, GroupChange, RereadOutcome } from "../../src/domain/fleet.ts";
import {
  compareNaturally,
  programOf,
  type HostName,
  type InstanceName,
  type ProgramName,
} from "../../src/domain/ids.ts";
import { defaultConfig, SOCKET_GONE, type SimBehaviour, type SimConfig, type SimProcess } from "./sim-process.ts";

/** An instance as a configuration has it; what is left out is as it was, or as it is by default. */
export interface Configured {
  readonly behaviour?: SimBehaviour;
  readonly config?: SimConfig;
}

/** A group as the configuration on a disk has it. */
export interface GroupOnDisk {
  /** Two configurations of a group differ in this, though they may have the same instances. What is loaded first has 0. */
  readonly version: number;
  readonly instances: ReadonlyMap<InstanceName, Configured>;
}

/** The hosts whose disks they are. */
export interface SimHosts {
  readonly hosts: ReadonlyMap<HostName, ReadonlyMap<InstanceName, SimProcess>>;
  readonly unreachable: ReadonlySet<HostName>;
  hasSupervisor(host: HostName): boolean;
  /** What a client asks of a supervisord that hangs is done when that continues. */
  request(host: HostName, act: () => void): void;
  /** Loads an instance, of which nothing runs yet. */
  recall(
    host: HostName,
    instance: InstanceName,
    configured: { readonly behaviour?: SimBehaviour; readonly config: SimConfig },
  ): SimProcess;
  dismiss(host: HostName, instance: InstanceName): void;
}

/** How far an update comes whose client is killed: supervisord does what it was asked last, and is asked nothing more. */
export type UpdateEnd = "stopped" | "removed";

/** One host's configuration, as far as it is other than what its supervisord has loaded. */
interface Disk {
  /** Undefined for a group that is no longer configured. */
  readonly groups: Map<ProgramName, GroupOnDisk | undefined>;
  /** The versions that are loaded. */
  readonly loaded: Map<ProgramName, number>;
  /** Why it cannot be read. */
  broken: string | undefined;
}

/** supervisor/rpcinterface.py: a group is removed only if all of it is at rest. */
const REMOVABLE: readonly string[] = ["STOPPED", "EXITED", "FATAL", "UNKNOWN"];

/** The configuration on the disks of simulated hosts, beside what their supervisords have loaded. */
export class SimDisks {
  private readonly fleet: SimHosts;
  private readonly disks = new Map<HostName, Disk>();

  constructor(fleet: SimHosts) {
    this.fleet = fleet;
  }

  /** Someone writes the configuration of a group. Nothing that runs shows it. */
  write(host: HostName, group: ProgramName, written: GroupOnDisk): void {
    const { groups, loaded } = this.diskOf(host);
    const isLoaded = this.loadedIn(host, group).length > 0;
    if (isLoaded && written.version === (loaded.get(group) ?? 0)) groups.delete(group);
    else groups.set(group, written);
  }

  /** Someone deletes it. */
  erase(host: HostName, group: ProgramName): void {
    const { groups } = this.diskOf(host);
    if (this.loadedIn(host, group).length > 0) groups.set(group, undefined);
    else groups.delete(group);
  }

  /** It cannot be read any more. */
  break(host: HostName, reason: string): void {
    this.diskOf(host).broken = reason;
  }

  mend(host: HostName): void {
    this.diskOf(host).broken = undefined;
  }

  /** What is on the disk for a group; undefined if it is not configured. */
  onDisk(host: HostName, group: ProgramName): GroupOnDisk | undefined {
    const { groups, loaded } = this.diskOf(host);
    if (groups.has(group)) return groups.get(group);
    const processes = this.loadedIn(host, group);
    if (processes.length === 0) return undefined;
    return {
      version: loaded.get(group) ?? 0,
      instances: new Map(processes.map(({ instance, normal: behaviour, config }) => [instance, { behaviour, config }])),
    };
  }

  /** How it differs from what is loaded; undefined if it does not. */
  changeOf(host: HostName, group: ProgramName): GroupChange | undefined {
    const { groups } = this.diskOf(host);
    if (!groups.has(group)) return undefined;
    if (groups.get(group) === undefined) return "disappeared";
    return this.loadedIn(host, group).length > 0 ? "changed" : "available";
  }

  /** All instances that a group has, loaded or on the disk. */
  membersOf(host: HostName, group: ProgramName): readonly InstanceName[] {
    const loaded = this.loadedIn(host, group).map(({ instance }) => instance);
    return [...new Set([...loaded, ...(this.onDisk(host, group)?.instances.keys() ?? [])])];
  }

  /** As `supervisorctl reread` and `avail` show it. */
  reread(host: HostName): RereadOutcome {
    const disk = this.diskOf(host);
    if (this.fleet.unreachable.has(host)) return { kind: "unavailable", reason: "no route" };
    if (!this.fleet.hasSupervisor(host)) return { kind: "unavailable", reason: SOCKET_GONE };
    if (disk.broken !== undefined) return { kind: "invalid", reason: disk.broken };
    const changes = [...disk.groups.keys()].flatMap((group) => {
      const change = this.changeOf(host, group);
      return change === undefined ? [] : [[group, change] as const];
    });
    return { kind: "read", groups: new Map(changes), instances: this.configured(host) };
  }

  /**
   * As `supervisorctl update GROUP` does it, one request after the other; `done` gets its words.
   * @param end where its client is killed; left out: it is not
   */
  update(host: HostName, group: ProgramName, done: (said: string) => void, end?: UpdateEnd): void {
    this.fleet.request(host, () => {
      const { broken } = this.diskOf(host);
      if (!this.fleet.hasSupervisor(host)) return done(SOCKET_GONE);
      if (broken !== undefined)
        return done(`error: <class 'xmlrpc.client.Fault'>, <Fault 92: 'CANT_REREAD: ${broken}'>`);
      const change = this.changeOf(host, group);
      if (change === "available") return this.add(host, group, () => done(`${group}: added process group`), done);
      if (change !== undefined) return this.replace(host, group, done, end);
      const isKnown = this.loadedIn(host, group).length > 0;
      done(isKnown ? "" : `ERROR: no such group: ${group}`);
    });
  }

  /** A supervisord that is started reads what is on the disk. */
  load(host: HostName): void {
    for (const group of this.diskOf(host).groups.keys()) {
      this.dismiss(host, group);
      this.settle(host, group);
    }
  }

  private replace(host: HostName, group: ProgramName, done: (said: string) => void, end: UpdateEnd | undefined): void {
    const { fleet } = this;
    this.stop(host, group, (hasStopped) => {
      if (!hasStopped) return done(SOCKET_GONE);
      if (end === "stopped") return done("");
      fleet.request(host, () => {
        if (!fleet.hasSupervisor(host)) return done(SOCKET_GONE);
        // Another user has started one of them since, or had been stopping it.
        if (this.loadedIn(host, group).some(({ state }) => !REMOVABLE.includes(state)))
          return done(`${group}: stopped\nerror: <class 'xmlrpc.client.Fault'>, <Fault 91: 'STILL_RUNNING: ${group}'>`);
        const isGone = this.changeOf(host, group) === "disappeared";
        this.dismiss(host, group);
        if (isGone) {
          this.diskOf(host).groups.delete(group);
          return done(`${group}: stopped\n${group}: removed process group`);
        }
        if (end === "removed") return done("");
        this.add(host, group, () => done(`${group}: stopped\n${group}: updated process group`), done);
      });
    });
  }

  /** All at once, as Supervisor stops a group. */
  private stop(host: HostName, group: ProgramName, then: (hasStopped: boolean) => void): void {
    const running = this.loadedIn(host, group).filter((process) => process.isStoppable);
    let left = running.length;
    let haveStopped = true;
    if (left === 0) then(true);
    for (const process of running)
      process.stop((_said, hasStopped) => {
        haveStopped &&= hasStopped;
        if (--left === 0) then(haveStopped);
      });
  }

  private add(host: HostName, group: ProgramName, then: () => void, fail: (said: string) => void): void {
    this.fleet.request(host, () => {
      if (!this.fleet.hasSupervisor(host)) return fail(SOCKET_GONE);
      // Its next turn starts them, before it reads another request.
      for (const process of this.settle(host, group)) process.startAsConfigured();
      then();
    });
  }

  /** What the disk has of a group is loaded now. Nothing of it runs yet. */
  private settle(host: HostName, group: ProgramName): readonly SimProcess[] {
    const { groups, loaded } = this.diskOf(host);
    const written = groups.get(group);
    groups.delete(group);
    if (!written) return [];
    loaded.set(group, written.version);
    return [...written.instances].map(([instance, { behaviour, config }]) => {
      const process = this.fleet.recall(host, instance, {
        ...(behaviour && { behaviour }),
        config: config ?? defaultConfig,
      });
      process.version = written.version;
      return process;
    });
  }

  private dismiss(host: HostName, group: ProgramName): void {
    for (const { instance } of this.loadedIn(host, group)) this.fleet.dismiss(host, instance);
  }

  private configured(host: HostName): ConfiguredInstance[] {
    const { groups } = this.diskOf(host);
    const loaded = [...(this.fleet.hosts.get(host)?.values() ?? [])].filter(
      ({ instance }) => !groups.has(programOf(instance)),
    );
    const written = [...groups.values()].flatMap((group) => [...(group?.instances ?? [])]);
    return [
      ...loaded.map(({ instance, config: { autostart } }) => ({ instance, autostart })),
      ...written.map(([instance, { config = defaultConfig }]) => ({ instance, autostart: config.autostart })),
    ].toSorted((a, b) => compareNaturally(a.instance, b.instance));
  }

  private loadedIn(host: HostName, group: ProgramName): readonly SimProcess[] {
    return [...(this.fleet.hosts.get(host)?.values() ?? [])].filter(({ instance }) => programOf(instance) === group);
  }

  private diskOf(host: HostName): Disk {
    const disk = this.disks.get(host) ?? { groups: new Map(), loaded: new Map(), broken: undefined };
    this.disks.set(host, disk);
    return disk;
  }
}
