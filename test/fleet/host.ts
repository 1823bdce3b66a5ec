import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeBehaviour, type Behaviour } from "./behaviour.ts";
import type { Daemon } from "./daemon.ts";
import { hostDaemons, raiseSshd, raiseSupervisord, type DaemonPrograms } from "./host-daemons.ts";
import { hostDirVariable, hostFiles, processNames, writeHostFiles, writeSupervisorConfig } from "./host-files.ts";
import type { GroupOptions, HostFiles, HostSpec } from "./host-files.ts";
import { descendantsOf, environmentOf, isRunning, processTable, signal, titleOf } from "./process-table.ts";
import type { ProcessEntry } from "./process-table.ts";
import { allProcesses, callSupervisor, type ProcessInfo } from "./supervisor-rpc.ts";
import { until } from "./until.ts";

/** `sshd` stands for the listener and its sessions; `supervisord` for itself, not its processes. */
export type HostPart = "sshd" | "supervisord";

const rpcDeadlineMs = 60_000;

/** One host of a fleet: a real sshd and a real supervisord on a loopback address. */
export class FleetHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** All its files. Commands run over ssh find it in their environment as `FLEET_HOST_DIR`. */
  readonly dir: string;
  /** For `supervisorctl -c`. */
  readonly supervisorConfig: string;
  /** For a teardown; tests freeze and kill by the methods of the host. */
  readonly sshd: Daemon;
  readonly supervisord: Daemon;
  private readonly spec: HostSpec;
  private readonly files: HostFiles;
  /** All that it has, or has had. */
  private groups: readonly GroupOptions[];

  constructor(spec: HostSpec, programs: DaemonPrograms) {
    this.name = spec.name;
    this.address = spec.address;
    this.port = spec.port;
    this.dir = spec.dir;
    this.spec = spec;
    this.groups = spec.groups;
    this.files = hostFiles(spec.dir);
    this.supervisorConfig = this.files.supervisorConfig;
    const { sshd, supervisord } = hostDaemons(spec, programs);
    this.sshd = sshd;
    this.supervisord = supervisord;
  }

  /** What supervisord says about all its processes, asked past ssh and supervisorctl. */
  processes({ timeoutMs = 5_000 } = {}): Promise<ProcessInfo[]> {
    return allProcesses(this.files.supervisorSocket, timeoutMs);
  }

  /** One of {@link processes}. @throws Error when there is none of this name */
  async process(instance: string): Promise<ProcessInfo> {
    const found = (await this.processes()).find((each) => each.instance === instance);
    if (found === undefined) throw new Error(`${this.name} has no ${instance}`);
    return found;
  }

  /** Sets what an instance does from its next start on; the running process stays as it is. */
  async behave(instance: string, behaviour: Behaviour): Promise<void> {
    await writeBehaviour(this.files, this.processName(instance), behaviour);
  }

  /** Writes another configuration of its Supervisor, with these groups and no others. Nothing reads it yet. */
  configure(groups: readonly GroupOptions[]): Promise<void> {
    this.groups = [...groups, ...this.groups];
    return writeSupervisorConfig(this.spec, groups);
  }

  /** All that a `supervisorctl update` does to a group that is killed before it adds it again, or before it removes it. */
  async updateHalfWay(group: string, end: "stopped" | "removed"): Promise<void> {
    const { supervisorSocket } = this.files;
    await callSupervisor(supervisorSocket, "reloadConfig", [], rpcDeadlineMs);
    await callSupervisor(supervisorSocket, "stopProcessGroup", [group], rpcDeadlineMs);
    if (end === "removed") await callSupervisor(supervisorSocket, "removeProcessGroup", [group], rpcDeadlineMs);
  }

  /**
   * Starts it and waits until it is RUNNING.
   *
   * @throws XmlRpcFault when it does not get there; but for one that recovers, supervisord may or may
   *   not say so: it depends on whether it looks during the BACKOFF
   */
  async start(instance: string): Promise<void> {
    await callSupervisor(this.files.supervisorSocket, "startProcess", [instance, true], rpcDeadlineMs);
  }

  /** Stops it and waits until it is STOPPED. @throws XmlRpcFault when it was not running */
  async stop(instance: string): Promise<void> {
    await callSupervisor(this.files.supervisorSocket, "stopProcess", [instance, true], rpcDeadlineMs);
  }

  /** Starts it anew with a behaviour that has begun when this resolves: before, a signal would just end it. */
  async restartAs(instance: string, behaviour: Behaviour): Promise<void> {
    await this.behave(instance, behaviour);
    await this.stop(instance);
    await this.start(instance);
    const { pid } = await this.process(instance);
    const begun = async () => (await this.instanceLog(instance, "stdout")).includes(`started, pid ${pid}, `);
    await until(begun, { deadlineMs: 20_000, what: `${instance} has begun` });
  }

  /** Lets one with a `held_stop` end, now or as soon as it is asked to. */
  async letStop(instance: string): Promise<void> {
    await writeFile(`${this.readyFile(instance)}.let-stop`, "");
  }

  /** Sets the clock of its supervisord, which must have one of its own, so many seconds forward, or back. */
  async setClock(bySeconds: number): Promise<void> {
    // Renamed into place: a supervisord that looks in this moment must not read half a number.
    await writeFile(`${this.files.clock}.new`, String(bySeconds));
    await rename(`${this.files.clock}.new`, this.files.clock);
  }

  /** supervisord's own log: `INFO spawned: 'web_00' with pid 12`, `INFO stopped: web_00`… */
  supervisordLog(): Promise<string> {
    return readFile(this.files.supervisorLog, "utf8");
  }

  /** What its sshd logged. */
  sshdLog(): Promise<string> {
    return readFile(this.files.sshdOutput, "utf8");
  }

  /** Waits until its sshd has noticed that all who had not logged in are gone; they count for its MaxStartups. */
  async greetsNobody(): Promise<void> {
    await until(() => /\[listener\] 0 of /.test(titleOf(this.sshd.pid ?? 0)), {
      deadlineMs: 20_000,
      what: `${this.name}'s sshd greets nobody`,
    });
  }

  /** Exists, with the pid in it, while the instance is ready to serve: for checks. */
  readyFile(instance: string): string {
    return path.join(this.files.readyDir, this.processName(instance));
  }

  /** What an instance wrote to stderr or stdout, over all its starts. */
  instanceLog(instance: string, stream: "stdout" | "stderr"): Promise<string> {
    const suffix = stream === "stdout" ? "out" : "err";
    return readFile(path.join(this.files.logDir, `${this.processName(instance)}.${suffix}`), "utf8");
  }

  /** SIGSTOP: connections stay open, and nobody answers. */
  async freeze(part: HostPart): Promise<void> {
    this[part].signal("SIGSTOP");
    await this[part].frozen();
    if (part === "sshd") await this.freezeSessions();
  }

  /** SIGCONT. */
  thaw(part: HostPart): Promise<void> {
    if (part === "sshd") for (const { pid } of this.sessions()) signal(pid, "SIGCONT");
    this[part].signal("SIGCONT");
    return Promise.resolve();
  }

  /** SIGKILL. supervisord's processes live on as orphans, and so do commands that came by ssh. */
  async kill(part: HostPart): Promise<void> {
    if (part === "sshd") {
      // Frozen first: between the look for its sessions and its end it must not accept another.
      await this.freeze("sshd");
      for (const { pid } of this.sessions()) signal(pid, "SIGKILL");
    }
    this[part].signal("SIGKILL");
    await this[part].ended();
  }

  /** Kills the sessions of sshd, not sshd, nor the commands that run in them. */
  async dropConnections(): Promise<void> {
    const killed = await this.freezeSessions();
    for (const pid of killed) signal(pid, "SIGKILL");
    await until(() => !killed.some(isRunning), { deadlineMs: 5_000, what: "the sessions have ended" });
  }

  /**
   * Starts a killed part again and waits until it serves. Orphans of a supervisord are killed first, or stay beside its
   * new processes, as on a real host; those may end up FATAL, if that is how they were told to behave.
   *
   * @throws Error when it is up, or does not come up
   */
  async revive(part: HostPart, orphans: "killed" | "stay" = "killed"): Promise<void> {
    if (this[part].pid !== undefined) throw new Error(`${this.name}'s ${part} is up already`);
    if (part === "sshd") return raiseSshd(this.sshd, this.spec);
    const pids = orphans === "killed" ? this.supervised() : [];
    for (const pid of pids) signal(pid, "SIGKILL");
    await until(() => !pids.some(isRunning), { deadlineMs: 5_000, what: "the orphans have ended" });
    await raiseSupervisord(this.supervisord, this.spec);
  }

  /**
   * Writes its files and starts both parts.
   *
   * @throws Error with the end of a log, when neither is starting any more
   */
  async raise(): Promise<void> {
    await writeHostFiles(this.spec);
    this.spec.prepare?.();
    const [sshd, supervisord] = await Promise.allSettled([
      raiseSshd(this.sshd, this.spec),
      raiseSupervisord(this.supervisord, this.spec),
    ]);
    if (sshd.status === "rejected") throw sshd.reason;
    if (supervisord.status === "rejected") throw supervisord.reason;
    const ending = this.spec.groups.filter(({ endsByItself }) => endsByItself).map(({ name }) => name);
    const failed = supervisord.value.find(
      ({ group, state }) => state !== "RUNNING" && !(state === "EXITED" && ending.includes(group)),
    );
    if (failed === undefined) return;
    throw new Error(`${this.name}'s ${failed.instance} is ${failed.state}\n${this.supervisord.outputTail()}`);
  }

  /** Asks supervisord to end; false when it does not answer within `timeoutMs`. */
  async shutDownSupervisord(timeoutMs: number): Promise<boolean> {
    return callSupervisor(this.files.supervisorSocket, "shutdown", [], timeoutMs).then(
      () => true,
      () => false,
    );
  }

  /** Looks again until all of them stand still: one that was not yet stopped may have forked during the look. */
  private async freezeSessions(): Promise<number[]> {
    let sessions: ProcessEntry[] = [];
    const allStopped = () => {
      sessions = this.sessions().filter(({ state }) => state !== "Z");
      const moving = sessions.filter(({ state }) => state !== "T");
      for (const { pid } of moving) signal(pid, "SIGSTOP");
      return moving.length === 0;
    };
    await until(allStopped, { deadlineMs: 10_000, everyMs: 2, what: `the sessions of ${this.name}'s sshd are frozen` });
    return sessions.map(({ pid }) => pid);
  }

  /** The sshd processes of open connections: two each as root. Their commands are not among them. */
  private sessions(): ProcessEntry[] {
    const listener = this.sshd.pid;
    if (listener === undefined) return [];
    return descendantsOf([listener]).filter(({ command }) => command.startsWith("sshd"));
  }

  private supervised(): number[] {
    return processTable()
      .map(({ pid }) => pid)
      .filter((pid) => {
        const environment = environmentOf(pid);
        return (
          environment.includes(`${hostDirVariable}=${this.dir}`) &&
          environment.some((line) => line.startsWith("SUPERVISOR_PROCESS_NAME="))
        );
      });
  }

  private processName(instance: string): string {
    const processName = instance.slice(instance.indexOf(":") + 1);
    if (!this.groups.flatMap(processNames).includes(processName)) {
      throw new Error(`${this.name} has no ${instance}`);
    }
    return processName;
  }
}
