import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import { programOf, type InstanceName, type ProgramName, keyOf } from "../../../src/domain/ids.ts";
import { worksOf } from "../../../src/domain/rollout.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { processOf, settingsOf, type Trial, type Witness } from "./trial.ts";

/** For so long a picture of the fleet may be out of date: one look that is slow, or one that was given up, and the pause. */
export const UNSEEN_MS = 95_000;

/** Never below the floor: no program has fewer healthy instances than the plan asks for, by what is done to it. */
export class Floors implements Witness {
  private readonly trial: Trial;
  private readonly floors: ReadonlyMap<ProgramName, number>;
  /** What our own doing took down, and has not brought up. */
  private readonly down = new Set<string>();
  private readonly underRestart = new Set<string>();
  /** What was down when its restart was sent: one that changes nothing leaves it so. */
  private readonly wasDown = new Set<string>();

  constructor(trial: Trial) {
    this.trial = trial;
    this.floors = floorsOf(trial);
    // What the rollouts that it resumes have broken serves nobody, be it RUNNING.
    for (const { host, batches } of worksOf(trial.rollout))
      for (const { instances } of batches)
        for (const { instance, failed_as } of instances)
          if (failed_as !== undefined) this.down.add(keyOf({ host, instance }));
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.restarting") this.seeRestart(event);
    else if (event.type === "instance.healthy") this.seeHealthy(event);
    else if (event.type === "instance.unchanged") this.seeUnchanged(event);
    else if (event.type === "instance.failed" || event.type === "instance.skipped")
      this.underRestart.delete(keyOf(event));
    else if (event.type === "hook.finished") this.seeHook(event);
  }

  private seeRestart(event: EventOf<"instance.restarting">): void {
    const key = keyOf(event);
    const wasHealthy = this.wasServing(event) && !this.down.has(key);
    if (!this.underRestart.has(key)) this.wasDown[this.down.has(key) ? "add" : "delete"](key);
    this.down.add(key);
    // What our lost restart has left STOPPED is brought up whatever else happens: that restarts nothing.
    if (event.action === "start" && this.underRestart.has(key)) return;
    this.underRestart.add(key);
    const floor = this.floors.get(event.program) ?? 0;
    const others = this.healthyBesides(event.program, key);
    if (wasHealthy && others < floor)
      this.trial.fail(`${key} was stopped with ${others} others healthy, below ${floor}`);
  }

  /** RUNNING, and not only since the look that its restart rests upon. */
  private wasServing(event: EventOf<"instance.restarting">): boolean {
    const process = processOf(this.trial, event);
    if (process?.state !== "RUNNING") return false;
    const runningForMs = this.trial.made.time.now - (process.spawns.at(-1)?.runningAtMs ?? 0);
    return event.previous_state === "RUNNING" || runningForMs > UNSEEN_MS;
  }

  private seeHealthy(event: EventOf<"instance.healthy">): void {
    this.underRestart.delete(keyOf(event));
    if (!settingsOf(this.trial, event)?.hooks.after_healthy) this.down.delete(keyOf(event));
  }

  private seeUnchanged(event: EventOf<"instance.unchanged">): void {
    const key = keyOf(event);
    this.underRestart.delete(key);
    if (!this.wasDown.has(key)) this.down.delete(key);
  }

  /** Drained is down, from the end of one hook to the end of the other. */
  private seeHook({ hook, host, instance, succeeded }: EventOf<"hook.finished">): void {
    if (host === undefined || instance === undefined || !succeeded) return;
    if (hook === "before_restart") this.down.add(keyOf({ host, instance }));
    else if (hook === "after_healthy") this.down.delete(keyOf({ host, instance }));
  }

  /** Running, or broken so shortly before that no look need have shown it yet. */
  private healthyBesides(program: ProgramName, key: string): number {
    const { fleet, time } = this.trial.made;
    let count = 0;
    for (const [other, removedAtMs] of fleet.removed)
      if (other !== key && !this.down.has(other) && isOf(other, program) && time.now - removedAtMs <= UNSEEN_MS)
        count++;
    for (const [host, processes] of fleet.hosts)
      for (const [instance, process] of processes) {
        const other = keyOf({ host, instance });
        if (other === key || this.down.has(other) || programOf(instance) !== program) continue;
        if (process.state === "RUNNING" || time.now - process.brokeAtMs <= UNSEEN_MS) count++;
      }
    return count;
  }
}

function isOf(key: string, program: ProgramName): boolean {
  return programOf((key.split(" ")[1] ?? "") as InstanceName) === program;
}

/** Of all instances that the plan's hosts have, less those that are STOPPED and shall stay so. */
export function floorsOf({ made: { plan, fleet }, report }: Pick<Trial, "made" | "report">): Map<ProgramName, number> {
  const totals = new Map<ProgramName, number>();
  for (const { name } of plan.hosts) {
    const seen = report.get(name);
    for (const { instance, state } of seen && "instances" in seen ? seen.instances : []) {
      const isDone = seen && "instances" in seen && seen.at_rest?.has(instance) === true;
      // What runs once, and is seen while it does, is no capacity.
      const isOneShot = fleet.hosts.get(name)?.get(instance)?.isOneShot === true;
      if (isDone || isOneShot || (state === "STOPPED" && plan.stopped === "skip")) continue;
      totals.set(programOf(instance), (totals.get(programOf(instance)) ?? 0) + 1);
    }
  }
  return new Map([...totals].map(([program, total]) => [program, floorOf(plan, total)]));
}

/** How many of so many must stay healthy. */
export function floorOf({ limits: { min_healthy } }: Plan, total: number): number {
  return "count" in min_healthy ? min_healthy.count : Math.ceil((min_healthy.percent * total) / 100);
}
