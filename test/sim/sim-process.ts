import type { InstanceName } from "../../src/domain/ids.ts";
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
  /** Its command's file is missing: a start changes nothing. */
  readonly fileGone: boolean;
}

export const healthy: SimBehaviour = { stopMs: 100, startsecsMs: 1000, crashesAtStart: 0, fileGone: false };

/** supervisor/process.py: attempt n is followed by n seconds of BACKOFF; 3 retries, then FATAL. */
const START_RETRIES = 3;
/** supervisor/states.py: RUNNING_STATES, which is what a stop is for and a start is not. */
const STOPPABLE: readonly ProcessState[] = ["RUNNING", "STARTING", "BACKOFF"];
const CRASH_MS = 20;
/** How long EXITED is seen before supervisord's loop starts it again. */
const EXITED_MS = 10;

/**
 * One process under a simulated supervisord, with the states and transitions of the real one
 * (http://supervisord.org/subprocess.html#process-states), driven by virtual time.
 */
export class SimProcess {
  /** From its next start on. */
  behaviour: SimBehaviour;
  state: ProcessState = "RUNNING";
  pid: number | undefined;
  /** Stops and starts that clients asked for, with their virtual times. */
  readonly stopsAtMs: number[] = [];
  /** When it last broke by itself. */
  brokeAtMs = -Infinity;
  private readonly instance: InstanceName;
  private readonly time: VirtualTime;
  private readonly nextPid: () => number;
  private spawnedAtMs = 0;
  /** That of the process that runs now. */
  private stopMs: number;
  private failedStarts = 0;
  /** What happens next by itself; a client's stop or start replaces it. */
  private next: { cancel(): void } | undefined;
  private onFirstAttempt: ((said: string) => unknown) | undefined;
  private onStopped: ((said: string) => unknown) | undefined;

  constructor(instance: InstanceName, time: VirtualTime, nextPid: () => number, behaviour: SimBehaviour = healthy) {
    this.instance = instance;
    this.time = time;
    this.nextPid = nextPid;
    this.behaviour = behaviour;
    this.stopMs = behaviour.stopMs;
    this.pid = nextPid();
    this.spawnedAtMs = time.now - 3_600_000;
  }

  /** From its next start on, and the process that runs now stops like that. */
  behave(behaviour: SimBehaviour): void {
    this.behaviour = behaviour;
    this.stopMs = behaviour.stopMs;
  }

  snapshot(): ProcessSnapshot {
    const { instance, state, pid } = this;
    if (state !== "RUNNING" || pid === undefined) return { instance, state };
    return { instance, state, pid, uptime_s: Math.floor((this.time.now - this.spawnedAtMs) / 1000) };
  }

  /** `supervisorctl restart`: stop, then start, as two requests of one client. */
  restart(done: (said: string) => unknown): void {
    this.stop((stopped) => this.start((started) => done(`${stopped}\n${started}`)));
  }

  stop(done: (said: string) => unknown): void {
    this.stopsAtMs.push(this.time.now);
    if (!STOPPABLE.includes(this.state)) {
      done(`${this.instance}: ERROR (not running)`);
      return;
    }
    const wasBackoff = this.state === "BACKOFF";
    this.onStopped = done;
    this.become("STOPPING", wasBackoff ? 0 : this.stopMs, () => {
      this.become("STOPPED");
      this.stopAnswered();
    });
    this.answer(`${this.instance}: ERROR (abnormal termination)`);
  }

  start(done: (said: string) => unknown): void {
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
    this.spawn();
  }

  /** It crashes for good, whatever it was doing: nobody asked it to. */
  breakDown(): void {
    this.brokeAtMs = this.time.now;
    this.become("FATAL");
    this.stopAnswered();
    this.answer(`${this.instance}: ERROR (abnormal termination)`);
  }

  /** Somebody at the host's own shell, at any moment. */
  meddle(act: "stop" | "start" | "restart"): void {
    if (act !== "start") this.brokeAtMs = this.time.now;
    this[act](() => undefined);
  }

  private spawn(): void {
    this.pid = this.nextPid();
    this.spawnedAtMs = this.time.now;
    const { crashesAtStart, startsecsMs, stopMs } = this.behaviour;
    this.stopMs = stopMs;
    if (crashesAtStart > 0) this.become("STARTING", CRASH_MS, () => this.crashedAtStart());
    else this.become("STARTING", startsecsMs, () => this.runs());
  }

  private crashedAtStart(): void {
    this.behaviour = { ...this.behaviour, crashesAtStart: this.behaviour.crashesAtStart - 1 };
    this.failedStarts++;
    this.answer(`${this.instance}: ERROR (spawn error)`);
    if (this.failedStarts > START_RETRIES) this.become("FATAL");
    else this.become("BACKOFF", this.failedStarts * 1000, () => this.spawn());
  }

  private runs(): void {
    this.answer(`${this.instance}: started`);
    const { diesAfterMs } = this.behaviour;
    if (diesAfterMs === undefined) this.become("RUNNING");
    else
      this.become("RUNNING", diesAfterMs, () => {
        this.brokeAtMs = this.time.now;
        this.become("EXITED", EXITED_MS, () => this.spawn());
      });
  }

  private stopAnswered(): void {
    const done = this.onStopped;
    this.onStopped = undefined;
    done?.(`${this.instance}: stopped`);
  }

  private answer(said: string): void {
    const done = this.onFirstAttempt;
    this.onFirstAttempt = undefined;
    done?.(said);
  }

  private become(state: ProcessState, forMs?: number, then?: () => void): void {
    this.next?.cancel();
    this.state = state;
    this.next = forMs === undefined || !then ? undefined : this.time.after(forMs, then);
  }
}
