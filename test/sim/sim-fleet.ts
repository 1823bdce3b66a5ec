import { compareNaturally, type HostName, type InstanceName, keyOf } from "../../src/domain/ids.ts";
import type { FleetReport, HostReport, InstanceConfig } from "../../src/domain/fleet.ts";
import type { KnownHistory } from "../../src/domain/process-history.ts";
import type { HostProcess, ProcessesOutcome, ProcessQuery } from "../../src/domain/host-process.ts";
import type { CheckOutcome, LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import type { Change } from "../../src/domain/action.ts";
import { SimDisks, type UpdateEnd } from "./sim-disks.ts";
import {
  healthy,
  SimProcess,
  SOCKET_GONE,
  type SimBehaviour,
  type SimConfig,
  type SimSpawn,
  type SimSurroundings,
} from "./sim-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A process that has outlived the one that started it. */
export interface Leftover {
  readonly host: HostName;
  readonly instance: InstanceName;
  readonly pid: number;
  /** The pid of the process that its process group was made for. */
  readonly group: number;
  readonly release: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly command: string;
  /** It is the process itself, whose supervisord was killed. Nobody can know of one that no look had shown. */
  readonly orphan?: SimSpawn;
}

/** A machine, on which one or several supervisords run. */
interface Machine {
  /** The supervisords on it. */
  readonly hosts: HostName[];
  pid: number;
  clockOffMs: number;
}

/** A supervisord takes this long to notice that a process is down and to heed the listener that then ends it. */
const QUIT_MS = 1500;

/** Hosts with their simulated processes, in virtual time. */
export class SimFleet {
  readonly hosts = new Map<HostName, Map<InstanceName, SimProcess>>();
  /** Hosts that nobody can reach. */
  readonly unreachable = new Set<HostName>();
  /** When a look at it last showed nothing. */
  readonly unseenAtMs = new Map<HostName, number>();
  /** Invocation when a host is lost: commands sent to it are not answered. */
  onLost: (host: HostName) => void = () => undefined;
  /** When those were removed that another user has taken out of the config. */
  readonly removed = new Map<string, number>();
  /** The configuration on their disks. */
  readonly disks = new SimDisks(this);
  /** What an update has removed, by host: if it is added again, it is the same one. */
  private readonly dismissed = new Map<HostName, Map<InstanceName, SimProcess>>();
  /** How they were configured. */
  private readonly removedConfigs = new Map<string, SimConfig | undefined>();
  /** All that there ever were. */
  readonly leftovers: Leftover[] = [];
  /** How Supervisor is configured on all hosts, where a preflight finds that out. */
  configs: ReadonlyMap<InstanceName, InstanceConfig> | undefined;
  /** Hosts with an event listener that ends their supervisord when a process is down for good. */
  readonly quitting = new Set<HostName>();
  /** From when on supervisord's own log has what happens on a host: it was rotated then, or cannot be read. Default: always. */
  readonly logsSinceMs = new Map<HostName, number | "unreadable">();
  /** The release that processes are started from. */
  release = 0;
  /** Restarts that can still act, waited for or not: `host instance` by host. */
  readonly acting = new Map<HostName, string[]>();
  /** Who waits for their end: the lock of a host is free only then. */
  private readonly awaitingQuiet = new Map<HostName, (() => void)[]>();
  /** What hooks have taken out of service and not put back: `host instance`, or a whole host by its name. */
  readonly drained = new Set<string>();
  /** What hooks of waves and batches have: `before_batch group host`. */
  readonly drainedTogether = new Set<string>();
  /** Hosts whose supervisord does nothing, with what it will do once it continues. */
  private readonly hung = new Map<HostName, (() => void)[]>();
  /** The pid of each host's supervisord; undefined while there is none. */
  private readonly supervisors = new Map<HostName, number | undefined>();
  private readonly machines = new Map<HostName, Machine>();
  private readonly time: VirtualTime;

  constructor(time: VirtualTime, hosts: readonly HostName[], instances: readonly string[] = []) {
    this.time = time;
    for (const host of hosts) {
      this.addHost(host);
      for (const instance of [...instances].sort(compareNaturally)) this.add(host, instance as InstanceName);
    }
  }

  /** @param sibling a host on whose machine it is another supervisord; left out: it has a machine of its own */
  addHost(host: HostName, sibling?: HostName): void {
    const machine = (sibling && this.machines.get(sibling)) ?? {
      pid: 1000 * (this.machines.size + 1),
      clockOffMs: 0,
      hosts: [],
    };
    machine.hosts.push(host);
    this.machines.set(host, machine);
    this.supervisors.set(host, ++machine.pid);
    this.hosts.set(host, new Map());
  }

  /** As `supervisorctl update` does after a change of the config. */
  add(host: HostName, instance: InstanceName, behaviour: SimBehaviour = healthy, config?: SimConfig): void {
    const process = new SimProcess(instance, this.time, this.around(host, instance), behaviour, config);
    this.insert(host, process.hasRun());
  }

  private insert(host: HostName, process: SimProcess): void {
    const { instance } = process;
    const others = [...(this.hosts.get(host) ?? [])];
    const isLast = others.every(([other]) => compareNaturally(other, instance) < 0);
    if (isLast) this.hosts.get(host)?.set(instance, process);
    else
      this.hosts.set(
        host,
        new Map([...others, [instance, process] as const].sort(([a], [b]) => compareNaturally(a, b))),
      );
  }

  /** An update removes it. What it was is still known to judges. */
  dismiss(host: HostName, instance: InstanceName): void {
    const process = this.hosts.get(host)?.get(instance);
    if (!process) return;
    this.hosts.get(host)?.delete(instance);
    const ofHost = this.dismissed.get(host) ?? new Map<InstanceName, SimProcess>();
    this.dismissed.set(host, ofHost.set(instance, process));
  }

  /** An update adds it, with this configuration. It does not run yet. */
  recall(
    host: HostName,
    instance: InstanceName,
    configured: { readonly behaviour?: SimBehaviour; readonly config: SimConfig },
  ): SimProcess {
    const known = this.dismissed.get(host)?.get(instance);
    this.dismissed.get(host)?.delete(instance);
    const process = known ?? new SimProcess(instance, this.time, this.around(host, instance));
    this.insert(host, process);
    process.configure(configured);
    return process;
  }

  /** What there is of it, or was before an update has removed it. */
  known(host: HostName, instance: InstanceName): SimProcess | undefined {
    return this.hosts.get(host)?.get(instance) ?? this.dismissed.get(host)?.get(instance);
  }

  remove(host: HostName, instance: InstanceName): void {
    const key = keyOf({ host, instance });
    this.removed.set(key, this.time.now);
    this.removedConfigs.set(key, this.hosts.get(host)?.get(instance)?.config);
    this.hosts.get(host)?.delete(instance);
  }

  lose(host: HostName): void {
    for (const other of this.onMachineOf(host)) {
      this.unreachable.add(other);
      this.onLost(other);
    }
  }

  find(host: HostName): void {
    for (const other of this.onMachineOf(host)) this.unreachable.delete(other);
  }

  hang(host: HostName): void {
    this.hung.set(host, this.hung.get(host) ?? []);
  }

  isHung(host: HostName): boolean {
    return this.hung.has(host);
  }

  goOn(host: HostName): void {
    const due = this.hung.get(host) ?? [];
    this.hung.delete(host);
    for (const act of due) act();
  }

  /** A release in which all that was broken is fixed. What runs already does not show it. */
  deploy(): void {
    this.release++;
    for (const processes of this.hosts.values())
      for (const process of processes.values()) process.behave(process.normal);
  }

  /** All that is wrong is put right, and another release is deployed. What is down stays so. */
  repair(): void {
    this.unreachable.clear();
    this.quitting.clear();
    this.leftovers.length = 0;
    for (const host of this.logsSinceMs.keys()) this.logsSinceMs.set(host, this.time.now);
    for (const host of this.hosts.keys()) {
      this.disks.mend(host);
      this.goOn(host);
      this.startSupervisor(host);
    }
    for (const key of this.removed.keys()) {
      const [host = "", instance = ""] = key.split(" ");
      this.add(host as HostName, instance as InstanceName, healthy, this.removedConfigs.get(key));
    }
    this.removed.clear();
    this.deploy();
  }

  /** The wall clock of its machine is set, forwards or back. */
  setClock(host: HostName, byMs: number): void {
    this.machineOf(host).clockOffMs += byMs;
  }

  hasSupervisor(host: HostName): boolean {
    return this.supervisors.get(host) !== undefined;
  }

  /** Its supervisord ends, with all that it runs. */
  endSupervisor(host: HostName): void {
    this.supervisors.set(host, undefined);
    this.hung.delete(host);
    for (const process of this.hosts.get(host)?.values() ?? []) process.endWithSupervisor();
  }

  /** Its supervisord is killed, which ends none of what it runs. */
  killSupervisor(host: HostName): void {
    for (const [instance, { spawn }] of this.hosts.get(host) ?? []) {
      if (!spawn) continue;
      const { pid, release, atMs: sinceMs } = spawn;
      const left = { host, instance, pid, group: pid, release, sinceMs, untilMs: Infinity, command: instance };
      this.leftovers.push({ ...left, orphan: spawn });
    }
    this.endSupervisor(host);
  }

  /** The processes whose pids looks have shown so far. */
  get seenSpawns(): ReadonlySet<SimSpawn> {
    return new Set(this.spawns.filter(({ wasSeen }) => wasSeen));
  }

  /** Nobody has kept what looks have shown since: a rollout that was refused has no journal. */
  forgetLooksSince(seen: ReadonlySet<SimSpawn>): void {
    for (const spawn of this.spawns) spawn.wasSeen &&= seen.has(spawn);
  }

  private get spawns(): SimSpawn[] {
    const running = [...this.hosts.values()].flatMap((processes) =>
      [...processes.values()].flatMap(({ spawn }) => spawn ?? []),
    );
    return [...running, ...this.leftovers.flatMap(({ orphan }) => orphan ?? [])];
  }

  supervisorPid(host: HostName): number | undefined {
    return this.supervisors.get(host);
  }

  /** Another one is started, with what its configuration has it start. @param pid default: a new one */
  startSupervisor(host: HostName, pid = ++this.machineOf(host).pid): void {
    if (this.hasSupervisor(host)) return;
    this.supervisors.set(host, pid);
    this.disks.load(host);
    for (const process of this.hosts.get(host)?.values() ?? []) process.startWithSupervisor();
  }

  /** Something can still act on some host. */
  get isActing(): boolean {
    return [...this.acting.values()].some((keys) => keys.length > 0);
  }

  begins(host: HostName, key: string): void {
    this.acting.set(host, [...(this.acting.get(host) ?? []), key]);
  }

  ends(host: HostName, key: string): void {
    const rest = [...(this.acting.get(host) ?? [])];
    rest.splice(rest.indexOf(key), 1);
    this.acting.set(host, rest);
    if (rest.length === 0) for (const isQuiet of this.awaitingQuiet.get(host)?.splice(0) ?? []) isQuiet();
  }

  /** Calls back as soon as nothing that was sent to the host can still act. */
  onceQuiet(host: HostName, isQuiet: () => void): void {
    if ((this.acting.get(host) ?? []).length === 0) isQuiet();
    else this.awaitingQuiet.set(host, [...(this.awaitingQuiet.get(host) ?? []), isQuiet]);
  }

  /** What a client asks of a supervisord that hangs is done when that continues. */
  request(host: HostName, act: () => void): void {
    const due = this.hung.get(host);
    if (due) due.push(act);
    else act();
  }

  /**
   * As supervisorctl does it; `done` gets its words.
   * @param end where the client of an update is killed
   */
  change(change: Change, host: HostName, done: (said: string) => void, end?: UpdateEnd): void {
    if (change.action === "update") {
      this.disks.update(host, change.group, done, end);
      return;
    }
    const { action, instance } = change;
    this.request(host, () => {
      const process = this.hosts.get(host)?.get(instance);
      if (!this.hasSupervisor(host)) done(SOCKET_GONE);
      else if (!process) done(`${instance}: ERROR (no such process)`);
      else if (action === "signal") process.signal(change.signal, done);
      else process[action](done);
    });
  }

  /** All that a change acts on. */
  instancesOf(host: HostName, change: Change): readonly InstanceName[] {
    return change.action === "update" ? this.disks.membersOf(host, change.group) : [change.instance];
  }

  process(host: string, instance: string): SimProcess {
    const process = this.hosts.get(host as HostName)?.get(instance as InstanceName);
    if (!process) throw new Error(`the simulated fleet has no ${host} ${instance}`);
    return process;
  }

  behave(host: string, instance: string, behaviour: Partial<SimBehaviour>): void {
    this.process(host, instance).behave({ ...healthy, ...behaviour });
  }

  /** What a check of it finds: the process that has its port answers. */
  check(host: HostName, instance: InstanceName): CheckOutcome {
    const process = this.hosts.get(host)?.get(instance);
    if (process?.spawn?.behaviour.isUnaskable) return { kind: "impossible", reason: "it is not a URL" };
    const isAnswered = this.leftoversOf(host, instance).length > 0 || process?.serves === true;
    return isAnswered ? { kind: "passed" } : { kind: "failed", reason: "status 503" };
  }

  /** What processes of it that have ended have left behind, and is still there. */
  leftoversOf(host: HostName, instance: InstanceName): Leftover[] {
    return this.leftovers.filter(
      (one) => one.host === host && one.instance === instance && one.untilMs > this.time.now,
    );
  }

  /** Its machine's process table, which shows all that runs there. */
  processes(host: HostName, { groups, pids }: ProcessQuery): ProcessesOutcome {
    if (this.unreachable.has(host)) return { kind: "unanswered", reason: "no route" };
    const machine = this.onMachineOf(host);
    const age_s = (sinceMs: number) => (this.time.now - sinceMs) / 1000;
    const running = machine.flatMap((other) =>
      [...(this.hosts.get(other)?.entries() ?? [])].flatMap(([instance, { spawn }]): HostProcess[] => {
        if (!spawn) return [];
        const { pid, atMs } = spawn;
        const parent = this.supervisors.get(other) ?? 1;
        return [{ pid, parent, group: pid, session: parent, age_s: age_s(atMs), command: instance }];
      }),
    );
    const left = this.leftovers
      .filter((one) => machine.includes(one.host) && one.untilMs > this.time.now)
      .map(({ pid, group, sinceMs, command }): HostProcess => ({
        pid,
        parent: 1,
        group,
        session: 1,
        // It was there before its parent ended.
        age_s: age_s(sinceMs),
        command,
      }));
    const isAskedFor = ({ pid, group, session }: HostProcess) =>
      pids.includes(pid) || groups.includes(group) || groups.includes(session);
    return { kind: "seen", processes: [...running, ...left].filter(isAskedFor) };
  }

  /** What its supervisord's log says of these. */
  histories(host: HostName, instances: readonly InstanceName[]): Map<InstanceName, KnownHistory> {
    const isThere = !this.unreachable.has(host) && this.hasSupervisor(host);
    return new Map(
      instances.map((instance): [InstanceName, KnownHistory] => {
        const process = isThere ? this.hosts.get(host)?.get(instance) : undefined;
        if (!process) return [instance, { kind: "lost", reason: "no route" }];
        const sinceMs = this.logsSinceMs.get(host) ?? -Infinity;
        if (sinceMs === "unreadable") return [instance, { kind: "unread", reason: "no log file" }];
        return [instance, { kind: "read", processes: process.historySince(sinceMs) }];
      }),
    );
  }

  look(host: HostName): LookOutcome {
    if (this.unreachable.has(host)) return { kind: "unreachable", reason: "no route" };
    const supervisorPid = this.supervisors.get(host);
    if (supervisorPid === undefined) return { kind: "unavailable", reason: SOCKET_GONE, hasEnded: true };
    return { kind: "seen", snapshots: this.snapshots(host), supervisorPid };
  }

  report(): FleetReport {
    return new Map([...this.hosts.keys()].map((host) => [host, this.hostReport(host)]));
  }

  private hostReport(host: HostName): HostReport {
    const look = this.look(host);
    if (look.kind === "seen") {
      const { snapshots: instances, supervisorPid } = look;
      const config = this.configs && { config: { instances: this.configs, files: [] } };
      return {
        host,
        instances,
        at_rest: this.atRest(host),
        reread: this.disks.reread(host),
        ...config,
        ...(supervisorPid !== undefined && { supervisorPid }),
      };
    }
    const code = look.kind === "unreachable" ? "unreachable" : "supervisor_unavailable";
    return { host, refusal: { code, host, reason: look.reason } };
  }

  private atRest(host: HostName): Set<InstanceName> {
    const processes = [...(this.hosts.get(host) ?? [])];
    return new Set(processes.flatMap(([instance, process]) => (process.isAtRest ? [instance] : [])));
  }

  private snapshots(host: HostName): ProcessSnapshot[] {
    return [...(this.hosts.get(host)?.values() ?? [])].map((process) => process.look());
  }

  private machineOf(host: HostName): Machine {
    const machine = this.machines.get(host);
    if (!machine) throw new Error(`the simulated fleet has no ${host}`);
    return machine;
  }

  /** All supervisords of its machine, it among them. */
  onMachineOf(host: HostName): readonly HostName[] {
    return this.machines.get(host)?.hosts ?? [];
  }

  private around(host: HostName, instance: InstanceName): SimSurroundings {
    const machine = this.machineOf(host);
    const release = () => this.release;
    const hasSupervisor = () => this.hasSupervisor(host);
    const wallMs = () => this.time.now + machine.clockOffMs;
    return {
      get release() {
        return release();
      },
      get hasSupervisor() {
        return hasSupervisor();
      },
      get wallMs() {
        return wallMs();
      },
      nextPid: () => ++machine.pid,
      leaves: ({ pid: group, release: itsRelease }, forMs) => {
        const sinceMs = this.time.now;
        const untilMs = sinceMs + forMs;
        const command = `a child of ${instance}`;
        const pid = ++machine.pid;
        this.leftovers.push({ host, instance, pid, group, release: itsRelease, sinceMs, untilMs, command });
      },
      gaveUp: () => {
        const pid = this.supervisors.get(host);
        const isAsked = () => this.quitting.has(host) && pid !== undefined && this.supervisors.get(host) === pid;
        if (isAsked()) this.time.after(QUIT_MS, () => isAsked() && this.endSupervisor(host));
      },
    };
  }
}
