import type { InstanceConfig } from "../../src/domain/fleet.ts";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { PastProcess, ProcessEnd, ProcessHistory } from "../../src/domain/process-history.ts";
import type { ProcessSnapshot, ProcessState } from "../../src/domain/process-state.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How a simulated program behaves from its next start on; all times in milliseconds. */
export interface SimBehaviour {
  /** From the stop signal to its end. */
  readonly stopMs: number;
  readonly startsecsMs: number;
  /** How many of its next starts crash at once; Infinity ends in FATAL. */
  readonly crashesAtStart: number;
  /** Dies this long after RUNNING, every time. */
  readonly diesAfterMs?: number;
  /** Likewise, but with exit code 0, as it is meant to: it has done its work. */
  readonly completesAfterMs?: number;
  /** Its command's file is missing: a start changes nothing. */
  readonly fileGone: boolean;
  /** When it does not serve, though it runs: pairs of times since its start. */
  readonly failsChecks?: readonly (readonly [fromMs: number, untilMs: number])[];
  /** Its checks cannot be asked at all: what stands for its pid makes no URL, for example. */
  readonly isUnaskable?: true;
  /** A child of it outlives it for so long, and keeps its port. */
  readonly leavesForMs?: number;
  /** On a signal; by default it loads what is deployed now, and stays on its pid. */
  readonly onSignal?: "ignores" | "dies";
}

export const healthy: SimBehaviour = { stopMs: 100, startsecsMs: 1000, crashesAtStart: 0, fileGone: false };

/** What Supervisor's configuration says of it. */
export interface SimConfig {
  readonly autostart: boolean;
  readonly autorestart: boolean | "unexpected";
  readonly priority: number;
  readonly groupPriority: number;
  readonly isListener: boolean;
}

export const defaultConfig: SimConfig = {
  autostart: true,
  autorestart: true,
  priority: 999,
  groupPriority: 999,
  isListener: false,
};

/** As a preflight finds it out. */
export function instanceConfigOf(config: SimConfig): InstanceConfig {
  const { autostart, autorestart, priority, groupPriority: group_priority, isListener: is_listener } = config;
  return { autostart, autorestart, priority, group_priority, is_listener };
}

/** What a process has of its host and of the supervisord that runs it. */
export interface SimSurroundings {
  /** The release that is deployed there now. */
  readonly release: number;
  /** By the host's wall clock, which may be set. */
  readonly wallMs: number;
  readonly hasSupervisor: boolean;
  nextPid(): number;
  /** A process has ended, and a child of it has not. */
  leaves(spawn: SimSpawn, forMs: number): void;
  /** It has ended by itself, and supervisord does not start it again. */
  gaveUp(): void;
}

/** One process from its start to its end: what a judge has to go by, whatever anybody says. */
export interface SimSpawn {
  readonly pid: number;
  /** What it runs: what was deployed when it was started, or when it was last signalled to load that. */
  release: number;
  /** The configuration that it was started with. */
  readonly version: number;
  readonly atMs: number;
  /** When it was last signalled to load what is deployed. */
  loadedAtMs?: number;
  behaviour: SimBehaviour;
  runningAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** A look has shown its pid. */
  wasSeen?: boolean;
  /** How it ended, as supervisord logs it. */
  end?: ProcessEnd;
}

/** supervisor/process.py: attempt n is followed by n seconds of BACKOFF; 3 retries, then FATAL. */
const START_RETRIES = 3;
/** supervisor/states.py: RUNNING_STATES, which is what a stop is for and a start is not. */
const STOPPABLE: readonly ProcessState[] = ["RUNNING", "STARTING", "BACKOFF"];
/** Likewise SIGNALLABLE_STATES. */
const SIGNALLABLE: readonly ProcessState[] = ["RUNNING", "STARTING", "STOPPING"];
/** Those that are sent here. */
const SIGNALS: readonly string[] = ["HUP", "USR1", "USR2"];
const CRASH_MS = 20;
/** At most so long supervisord's loop sleeps before it starts again what has ended. Any request wakes it. */
const EXITED_MS = 500;

const HOW: Readonly<Record<ProcessEnd, string>> = {
  expected: "exit status 0",
  unexpected: "exit status 1",
  stopped: "terminated by SIGTERM",
};

export const SOCKET_GONE = "unix:///run/supervisor.sock no such file";

/** A signal that has reached a process. */
export interface SimSignal {
  readonly signal: string;
  readonly pid: number;
  readonly atMs: number;
}

/**
 * One process under a simulated supervisord, with the states and transitions of the real one
 * (http://supervisord.org/subprocess.html#process-states), driven by virtual time.
 */
export class SimProcess {
  /** From its next start on. */
  behaviour: SimBehaviour;
  /** How it behaves where nothing is wrong with it. */
  normal: SimBehaviour;
  state: ProcessState = "RUNNING";
  pid: number | undefined;
  config: SimConfig;
  /** Of the configuration that its supervisord has loaded. */
  version = 0;
  /** All that have reached it. */
  readonly signals: SimSignal[] = [];
  /** Stops and starts that clients asked for, with their virtual times. */
  readonly stopsAtMs: number[] = [];
  /** When it last broke by itself. */
  brokeAtMs = -Infinity;
  /** Another user at the host's own shell has stopped it, and nobody has started it since. */
  wasStoppedByHand = false;
  /** All that it has been, the last one last. */
  readonly spawns: SimSpawn[] = [];
  readonly instance: InstanceName;
  private readonly time: VirtualTime;
  private readonly around: SimSurroundings;
  /** By the host's wall clock: what Supervisor's uptime is counted from. */
  private spawnedAtWallMs = 0;
  /** How the process that runs now ends on a signal. */
  private ending: Pick<SimBehaviour, "stopMs" | "leavesForMs">;
  /** How its end is logged. */
  private endsAs: ProcessEnd = "unexpected";
  /** Where supervisord's log of it begins. */
  private loggedFrom = 0;
  private failedStarts = 0;
  /** Its supervisord has never started it. */
  private isNotStarted = false;
  /** What happens next by itself; a client's stop or start replaces it. */
  private next: { cancel(): void } | undefined;
  private onFirstAttempt: ((said: string) => unknown) | undefined;
  private onStopped: ((said: string, hasStopped: boolean) => unknown) | undefined;

  constructor(
    instance: InstanceName,
    time: VirtualTime,
    around: SimSurroundings,
    behaviour: SimBehaviour = healthy,
    config = defaultConfig,
  ) {
    this.instance = instance;
    this.time = time;
    this.around = around;
    this.behaviour = behaviour;
    this.normal = behaviour;
    this.config = config;
    this.ending = behaviour;
  }

  /** It runs when the story begins, and has for long. */
  hasRun(): this {
    const { around, time, behaviour, version } = this;
    const atMs = time.now - 3_600_000;
    this.spawnedAtWallMs = around.wallMs - 3_600_000;
    this.pid = around.nextPid();
    const { release } = around;
    this.spawns.push({ pid: this.pid, release, version, atMs, behaviour, runningAtMs: atMs, endedAtMs: undefined });
    const { completesAfterMs } = behaviour;
    // Each is at another point of its life.
    if (completesAfterMs !== undefined)
      this.next = time.after((completesAfterMs * (1 + (this.pid % 7))) / 8, () => this.ended(true));
    return this;
  }

  /** What runs now, be it only STARTING. */
  get spawn(): SimSpawn | undefined {
    const last = this.spawns.at(-1);
    return last?.endedAtMs === undefined ? last : undefined;
  }

  /** What supervisord's log says of it since then. */
  historySince(sinceMs: number): ProcessHistory {
    return this.spawns.slice(this.loggedFrom).flatMap(({ pid, atMs, end, endedAtMs = Infinity }): PastProcess[] => {
      if (endedAtMs < sinceMs) return [];
      const ended = end === undefined ? {} : { end, how: HOW[end] };
      if (atMs < sinceMs) return end === undefined ? [] : [ended];
      return [{ pid, start: `${atMs} spawned with pid ${pid}`, ...ended }];
    });
  }

  /** It has ended, and supervisord does not start it again. */
  get isAtRest(): boolean {
    return this.state === "EXITED" && this.next === undefined;
  }

  /** It has done the work that it has to do once. */
  get hasCompleted(): boolean {
    return this.isAtRest && this.spawns.at(-1)?.end === "expected";
  }

  /** It ends with exit code 0 by design, and is started again. */
  get isWorker(): boolean {
    return this.normal.completesAfterMs !== undefined && this.config.autorestart === true;
  }

  /** It is between two processes, as workers are. */
  get isBetween(): boolean {
    return this.isWorker && (this.state === "STARTING" || (this.state === "EXITED" && !this.isAtRest));
  }

  /** It runs, and does what it is there for. */
  get serves(): boolean {
    const { spawn } = this;
    return this.state === "RUNNING" && spawn !== undefined && servesAt(spawn, this.time.now);
  }

  get isStoppable(): boolean {
    return STOPPABLE.includes(this.state);
  }

  /** From its next start on, and the process that runs now stops like that. */
  behave(behaviour: SimBehaviour): void {
    this.behaviour = behaviour;
    this.ending = behaviour;
  }

  /** What a look shows, which wakes supervisord's loop: it answers first. */
  look(): ProcessSnapshot {
    const snapshot = this.snapshot();
    if (this.spawn && snapshot.pid !== undefined) this.spawn.wasSeen = true;
    if (this.state === "EXITED" && !this.isAtRest) this.become("EXITED", 0, () => this.startProcess());
    return snapshot;
  }

  snapshot(): ProcessSnapshot {
    const { instance, state, pid } = this;
    if (this.isNotStarted) return { instance, state, description: "Not started" };
    if (state !== "RUNNING" || pid === undefined) return { instance, state };
    // Never less than nothing, where the clock was set back.
    const uptimeS = Math.max(0, Math.floor((this.around.wallMs - this.spawnedAtWallMs) / 1000));
    return { instance, state, pid, uptime_s: uptimeS };
  }

  /** `supervisorctl restart`: stop, then start, as two requests of one client, which gives up where there is no answer. */
  restart(done: (said: string) => unknown): void {
    this.stop((stopped, hasStopped) =>
      hasStopped ? this.start((started) => done(`${stopped}\n${started}`)) : done(stopped),
    );
  }

  stop(done: (said: string, hasStopped: boolean) => unknown): void {
    this.stopsAtMs.push(this.time.now);
    if (!STOPPABLE.includes(this.state)) {
      done(`${this.instance}: ERROR (not running)`, true);
      return;
    }
    const wasBackoff = this.state === "BACKOFF";
    this.endsAs = "stopped";
    this.onStopped = done;
    this.become("STOPPING", wasBackoff ? 0 : this.ending.stopMs, () => {
      this.become("STOPPED");
      this.stopAnswered();
    });
    this.answer(`${this.instance}: ERROR (abnormal termination)`);
  }

  start(done: (said: string) => unknown): void {
    if (!this.around.hasSupervisor) {
      done(SOCKET_GONE);
      return;
    }
    if (STOPPABLE.includes(this.state)) {
      done(`${this.instance}: ERROR (already started)`);
      return;
    }
    // Its old process still has the pid, so none is spawned.
    if (this.state === "STOPPING") {
      done(`${this.instance}: ERROR (abnormal termination)`);
      return;
    }
    if (this.behaviour.fileGone) {
      done(`${this.instance}: ERROR (no such file)`);
      return;
    }
    this.failedStarts = 0;
    this.onFirstAttempt = done;
    this.startProcess();
  }

  /** `supervisorctl signal`. */
  signal(signal: string, done: (said: string) => unknown): void {
    const { spawn } = this;
    if (!SIGNALS.includes(signal)) {
      done(`${this.instance}: ERROR (bad signal name)`);
      return;
    }
    if (!SIGNALLABLE.includes(this.state) || !spawn) {
      done(`${this.instance}: ERROR (not running)`);
      return;
    }
    this.signals.push({ signal, pid: spawn.pid, atMs: this.time.now });
    this.heed(spawn);
    done(`${this.instance}: signalled`);
  }

  /** It is loaded with this configuration. Nothing of it runs yet. */
  configure({ behaviour, config }: { readonly behaviour?: SimBehaviour; readonly config: SimConfig }): void {
    this.config = config;
    if (behaviour) this.behaviour = this.normal = behaviour;
    this.become("STOPPED");
    this.pid = undefined;
    this.isNotStarted = true;
  }

  /** Its supervisord has loaded it, and starts it if its configuration says so. */
  startAsConfigured(): void {
    if (!this.config.autostart) return;
    this.failedStarts = 0;
    this.startProcess();
  }

  /** It is like this when the story begins, and has been for long. */
  rest(state: "STOPPED" | "EXITED" | "FATAL"): void {
    this.endsAs = state === "EXITED" ? "expected" : "stopped";
    this.become(state);
    this.pid = undefined;
  }

  /** It crashes for good, whatever it was doing: nobody asked it to. */
  breakDown(): void {
    this.brokeAtMs = this.time.now;
    this.become("FATAL");
    this.stopAnswered();
    this.answer(`${this.instance}: ERROR (abnormal termination)`);
    this.around.gaveUp();
  }

  /** Another user at the host's own shell, at any moment. */
  meddle(act: "stop" | "start" | "restart"): void {
    if (act !== "start") {
      this.brokeAtMs = this.time.now;
      this.wasStoppedByHand = true;
    }
    this[act](() => undefined);
  }

  /** Its supervisord has ended, and it with it. */
  endWithSupervisor(): void {
    this.brokeAtMs = this.time.now;
    this.become("STOPPED");
    const stopped = this.onStopped;
    this.onStopped = undefined;
    stopped?.(SOCKET_GONE, false);
    this.answer(SOCKET_GONE);
  }

  /** Another supervisord has it: it is started as its configuration says, or not at all. */
  startWithSupervisor(): void {
    this.loggedFrom = this.spawns.length;
    this.pid = undefined;
    this.isNotStarted = true;
    if (this.config.autostart) this.start(() => undefined);
  }

  private startProcess(): void {
    this.isNotStarted = false;
    this.wasStoppedByHand = false;
    if (this.behaviour.fileGone) {
      this.startFailed();
      return;
    }
    this.pid = this.around.nextPid();
    this.spawnedAtWallMs = this.around.wallMs;
    const { behaviour } = this;
    const { crashesAtStart, startsecsMs } = behaviour;
    const { release } = this.around;
    this.spawns.push({
      pid: this.pid,
      release,
      version: this.version,
      atMs: this.time.now,
      behaviour,
      runningAtMs: undefined,
      endedAtMs: undefined,
    });
    this.ending = behaviour;
    if (crashesAtStart > 0) this.become("STARTING", CRASH_MS, () => this.crashedAtStart());
    else this.become("STARTING", startsecsMs, () => this.runs());
  }

  private crashedAtStart(): void {
    this.behaviour = { ...this.behaviour, crashesAtStart: this.behaviour.crashesAtStart - 1 };
    this.startFailed();
  }

  private startFailed(): void {
    this.failedStarts++;
    const isLast = this.failedStarts > START_RETRIES;
    if (isLast) this.become("FATAL");
    else this.become("BACKOFF", this.failedStarts * 1000, () => this.startProcess());
    this.answer(`${this.instance}: ERROR (spawn error)`);
    if (isLast) this.around.gaveUp();
  }

  private runsOn(): void {
    const { diesAfterMs, completesAfterMs } = this.behaviour;
    const endsAfterMs = diesAfterMs ?? completesAfterMs;
    if (endsAfterMs === undefined) this.become("RUNNING");
    else this.become("RUNNING", endsAfterMs, () => this.ended(diesAfterMs === undefined));
  }

  private runs(): void {
    this.runsOn();
    const { spawn } = this;
    if (spawn) spawn.runningAtMs = this.time.now;
    this.answer(`${this.instance}: started`);
  }

  /** It has got a signal. */
  private heed(spawn: SimSpawn): void {
    const { behaviour } = this;
    if (this.spawn !== spawn || this.state === "STOPPING" || behaviour.onSignal === "ignores") return;
    spawn.release = this.around.release;
    spawn.behaviour = behaviour;
    spawn.loadedAtMs = this.time.now;
    this.ending = behaviour;
    if (behaviour.onSignal === "dies" || behaviour.crashesAtStart > 0)
      this.time.after(CRASH_MS, () => {
        if (this.spawn === spawn && this.isStoppable) this.ended(false);
      });
    else if (this.state === "RUNNING") this.runsOn();
  }

  /** It has run once, as it is meant to, and runs no more. */
  get isOneShot(): boolean {
    return this.normal.completesAfterMs !== undefined && this.config.autorestart !== true;
  }

  private ended(isExpected: boolean): void {
    this.endsAs = isExpected ? "expected" : "unexpected";
    this.brokeAtMs = this.time.now;
    const { autorestart } = this.config;
    const isRestarted = autorestart === true || (autorestart === "unexpected" && !isExpected);
    if (isRestarted) {
      this.become("EXITED", EXITED_MS, () => this.startProcess());
      return;
    }
    this.become("EXITED");
    if (!isExpected) this.around.gaveUp();
  }

  private stopAnswered(): void {
    const done = this.onStopped;
    this.onStopped = undefined;
    done?.(`${this.instance}: stopped`, true);
  }

  private answer(said: string): void {
    const done = this.onFirstAttempt;
    this.onFirstAttempt = undefined;
    done?.(said);
  }

  private become(state: ProcessState, forMs?: number, then?: () => void): void {
    this.next?.cancel();
    this.state = state;
    if (state !== "RUNNING" && state !== "STARTING" && state !== "STOPPING") this.endSpawn();
    this.next = forMs === undefined || !then ? undefined : this.time.after(forMs, then);
  }

  private endSpawn(): void {
    const { spawn } = this;
    if (!spawn) return;
    spawn.endedAtMs = this.time.now;
    spawn.end = this.endsAs;
    this.endsAs = "unexpected";
    const { leavesForMs } = this.ending;
    if (leavesForMs !== undefined) this.around.leaves(spawn, leavesForMs);
  }
}

/** Whether a process that runs does what it is there for. */
export function servesAt({ atMs, loadedAtMs, behaviour }: SimSpawn, nowMs: number): boolean {
  const { failsChecks = [], isUnaskable } = behaviour;
  const ageMs = nowMs - (loadedAtMs ?? atMs);
  return !isUnaskable && !failsChecks.some(([fromMs, untilMs]) => ageMs >= fromMs && ageMs < untilMs);
}
