import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import { programOf, type InstanceName, type ProgramName, keyOf } from "../../../src/domain/ids.ts";
import { worksOf } from "../../../src/domain/rollout.ts";
import { loadsChanges } from "../../../src/planner/build/group-updates.ts";
import type { Quantity } from "../../../src/domain/quantity.ts";
import type { Plan } from "../../../src/planner/plan/plan.ts";
import { allSettingsOf, isSelected } from "./selects.ts";
import { processOf, settingsOf, type Trial, type Witness } from "./trial.ts";

/** For so long a picture of the fleet may be out of date: one look that is slow, or one that was given up, and the pause. */
export const UNSEEN_MS = 95_000;

/** Never below the floor: no program has fewer healthy instances than the plan asks for, by what is done to it. */
export class Floors implements Witness {
  private readonly trial: Trial;
  private readonly floors: readonly JudgedFloor[];
  /** What our own doing took down, and has not brought up. */
  private readonly down = new Set<string>();
  private readonly underRestart = new Set<string>();
  /** What was down when its restart was sent: one that changes nothing leaves it so. */
  private readonly wasDown = new Set<string>();

  constructor(trial: Trial) {
    this.trial = trial;
    this.floors = floorsOf(trial).map((own) => {
      const first = trial.floorsAtFirst?.find(({ of }) => of === own.of);
      return { ...own, floor: Math.min(own.floor, first?.floor ?? Infinity) };
    });
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
    if ((event.action === "start" || event.action === "update") && this.underRestart.has(key)) return;
    this.underRestart.add(key);
    for (const { of, floor, counts } of this.floors.filter((one) => one.counts(event.instance))) {
      const others = this.healthyBesides(counts, key);
      if (wasHealthy && others < floor)
        this.trial.fail(`${key} was stopped with ${others} others of ${of} healthy, below ${floor}`);
    }
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
    // One that is down on purpose stays so.
    if (event.stopped || event.removed) return;
    if (!settingsOf(this.trial, event)?.hooks.after_healthy) this.down.delete(keyOf(event));
  }

  private seeUnchanged(event: EventOf<"instance.unchanged">): void {
    const key = keyOf(event);
    this.underRestart.delete(key);
    if (!this.wasDown.has(key)) this.down.delete(key);
  }

  /** Drained is down, from the end of one hook to the end of the other. */
  private seeHook({ hook, host, instance, succeeded, on_error }: EventOf<"hook.finished">): void {
    // One that only warns passes for one that has succeeded.
    if (host === undefined || instance === undefined || (!succeeded && on_error !== "warn")) return;
    if (hook === "before_restart") this.down.add(keyOf({ host, instance }));
    else if (hook === "after_healthy") this.down.delete(keyOf({ host, instance }));
  }

  /** Running, or broken so shortly before that no look need have shown it yet. */
  private healthyBesides(counts: JudgedFloor["counts"], key: string): number {
    const { fleet, time } = this.trial.made;
    let count = 0;
    for (const [other, removedAtMs] of fleet.removed)
      if (
        other !== key &&
        !this.down.has(other) &&
        counts((other.split(" ")[1] ?? "") as InstanceName) &&
        time.now - removedAtMs <= UNSEEN_MS
      )
        count++;
    for (const [host, processes] of fleet.hosts)
      for (const [instance, process] of processes) {
        const other = keyOf({ host, instance });
        if (other === key || this.down.has(other) || !counts(instance)) continue;
        if (process.state === "RUNNING" || time.now - process.brokeAtMs <= UNSEEN_MS) count++;
      }
    return count;
  }
}

/** Of all instances that the plan's hosts have, less those that are STOPPED and shall stay so. */
export function floorsOf({ made: { plan, fleet }, report }: Pick<Trial, "made" | "report">): readonly JudgedFloor[] {
  const counted: InstanceName[] = [];
  for (const { name } of plan.hosts) {
    const seen = report.get(name);
    for (const { instance, state } of seen && "instances" in seen ? seen.instances : []) {
      const isDone = seen && "instances" in seen && seen.at_rest?.has(instance) === true;
      // What runs once, and is seen while it does, is no capacity.
      const isOneShot = fleet.hosts.get(name)?.get(instance)?.isOneShot === true;
      const settings = allSettingsOf(plan, name, instance)[0];
      const isStarted = settings?.stopped === "start" && settings.action === "restart";
      // What an update takes away, or does not start again, is none afterwards.
      const configured = fleet.disks.onDisk(name, programOf(instance))?.instances.get(instance);
      const isTaken = settings !== undefined && loadsChanges(settings) && configured?.config?.autostart !== true;
      const isChanged = fleet.disks.changeOf(name, programOf(instance)) === "changed";
      if (isTaken && isChanged) continue;
      if (!isDone && !isOneShot && (state !== "STOPPED" || isStarted)) counted.push(instance);
    }
  }
  return floorsFor(plan, counted);
}

/** What may not fall below so many. */
export interface JudgedFloor {
  readonly of: string;
  readonly total: number;
  readonly floor: number;
  readonly counts: (instance: InstanceName) => boolean;
}

/** The floors of each program and of each pattern that has one, if these are all instances that count. */
export function floorsFor({ waves, limits }: Plan, counted: readonly InstanceName[]): readonly JudgedFloor[] {
  const programs = [...new Set(counted.map(programOf))];
  const patterns = waves.flatMap(({ floors = [] }) => floors.filter(({ group }) => group === undefined));
  const quantitiesOf = (program: ProgramName) =>
    waves
      .filter(({ programs: texts }) => counted.some((one) => programOf(one) === program && isSelected(texts, one)))
      .map(({ floors = [] }) => floors.find(({ group }) => group === program)?.min_healthy ?? limits.min_healthy);
  const judged = (of: string, counts: JudgedFloor["counts"], quantities: readonly Quantity[]): JudgedFloor => {
    const total = counted.filter(counts).length;
    return { of, total, floor: Math.max(0, ...quantities.map((quantity) => floorOf(quantity, total))), counts };
  };
  return [
    ...programs.map((program) => judged(program, (one) => programOf(one) === program, quantitiesOf(program))),
    ...patterns.map(({ selects, min_healthy }) =>
      judged(selects.join(" "), (one) => isSelected(selects, one), [min_healthy]),
    ),
  ];
}

function floorOf(quantity: Quantity, total: number): number {
  return "count" in quantity ? quantity.count : Math.ceil((quantity.percent * total) / 100);
}
