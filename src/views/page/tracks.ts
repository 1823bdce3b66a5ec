import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { HostWork, PlannedInstance } from "../../domain/rollout.ts";
import { TRACK_STATES, type InstanceTrack, type TrackState } from "./page-data.ts";

/** In these states an instance serves, as far as the rollout knows. */
const SERVING: ReadonlySet<TrackState> = new Set(["old", "waiting", "healthy"]);

/** The drawn states of one instance over time. */
export class Track {
  readonly host: HostName;
  readonly name: InstanceName;
  readonly program: ProgramName;
  state: TrackState;
  private readonly before: "old" | "down";
  private readonly isEnabledByHook: boolean;
  private previousPid: number | undefined;
  private pid: number | undefined;
  private wasProven = false;
  private underRestart: boolean;
  private isStart = false;
  private isDrained = false;
  /** Whether it served when it was skipped: it continues to do so. */
  private servesThoughSkipped = false;
  private readonly steps: number[] = [];

  constructor(planned: PlannedInstance, { host, hooks }: HostWork) {
    this.host = host;
    this.name = planned.instance;
    this.program = programOf(planned.instance);
    this.before = planned.before.state === "RUNNING" ? "old" : "down";
    this.isEnabledByHook = hooks.after_healthy !== undefined;
    this.previousPid = planned.action === "gate" ? planned.previous_pid : planned.before.pid;
    this.underRestart = planned.action === "gate";
    this.state = this.before;
    this.steps.push(0, TRACK_STATES.indexOf(this.state));
  }

  get serves(): boolean {
    return SERVING.has(this.state) || (this.state === "skipped" && this.servesThoughSkipped);
  }

  record(
    event: EventOf<`instance.${string}` & RolloutEvent["type"]> | EventOf<`hook.${string}` & RolloutEvent["type"]>,
    atMs: number,
  ): void {
    switch (event.type) {
      case "instance.waiting":
        // A drained one may wait as well, but does not serve.
        if (this.state === this.before) this.become("waiting", atMs);
        break;
      case "instance.restarting":
        this.underRestart = true;
        this.isStart = event.action === "start";
        this.previousPid = event.previous_pid;
        this.become(this.isStart ? "starting" : "stopping", atMs);
        break;
      case "instance.observed":
        if (this.underRestart) this.become(this.stateSeen(event), atMs);
        break;
      case "instance.indeterminate":
        this.become("unseen", atMs);
        break;
      // Not a state: a healthy one or a failed one may have left processes behind.
      case "instance.leftovers":
        break;
      case "instance.drifted":
        if (this.state === "old" || this.state === "down")
          this.become(event.state === "RUNNING" ? "old" : "down", atMs);
        break;
      case "instance.unchanged":
        this.underRestart = false;
        this.become(this.isDrained ? "drained" : this.before, atMs);
        break;
      case "instance.healthy":
        this.underRestart = false;
        this.pid = event.pid;
        this.wasProven = true;
        this.become(this.isEnabledByHook ? "drained" : "healthy", atMs);
        break;
      case "instance.failed":
        this.underRestart = false;
        this.become("failed", atMs);
        break;
      case "instance.skipped":
        this.servesThoughSkipped = this.serves;
        this.become("skipped", atMs);
        break;
      case "hook.started":
        if (event.hook !== "before_restart") break;
        this.isDrained = true;
        this.become("drained", atMs);
        break;
      case "hook.finished":
        this.hookFinished(event, atMs);
    }
  }

  /** The track as the page has it. An instance that never had its turn is untouched. */
  drawn(): InstanceTrack {
    const untouched = this.state === "old" || this.state === "waiting";
    return {
      name: this.name,
      states: untouched ? [0, TRACK_STATES.indexOf("untouched")] : this.steps,
      ...(this.previousPid !== undefined && { previousPid: this.previousPid }),
      ...(this.pid !== undefined && { pid: this.pid }),
    };
  }

  private stateSeen({ state, pid }: EventOf<"instance.observed">): TrackState {
    switch (state) {
      case "STOPPING":
        return "stopping";
      case "STOPPED":
        return this.isStart ? "starting" : "stopping";
      case "RUNNING":
        return pid === this.previousPid ? "stopping" : "soaking";
      case "STARTING":
      case "BACKOFF":
      case "EXITED":
      case "FATAL":
      case "UNKNOWN":
        return "starting";
    }
  }

  private hookFinished({ hook, succeeded }: EventOf<"hook.finished">, atMs: number): void {
    if (succeeded && hook === "after_healthy" && this.state === "drained")
      this.become(this.wasProven ? "healthy" : this.before, atMs);
  }

  private become(state: TrackState, atMs: number): void {
    if (state === this.state) return;
    this.state = state;
    if (this.steps.at(-2) === atMs) this.steps.splice(-2);
    this.steps.push(atMs, TRACK_STATES.indexOf(state));
  }
}
