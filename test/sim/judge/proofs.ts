import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { CheckOutcome } from "../../../src/domain/outcomes.ts";
import type { SimCheck } from "../sim-world.ts";
import { servesAt, type SimSpawn } from "../sim-process.ts";
import { keyOf, processOf, type Of, type Trial, type Witness } from "./trial.ts";

/** A look shows what is; what is told of it then may have waited for a hook. */
const LATE_MS = 1000;

/**
 * Never a false healthy: the process that was proven runs, is of the new release, was started by a restart, has run for
 * min_healthy_time, and served when it was asked last.
 */
export class Proofs implements Witness {
  private readonly trial: Trial;
  /** The last answers to the checks of an instance: of which process, and when. */
  private readonly answers = new Map<string, { readonly passed: boolean; readonly atMs: number }>();

  constructor(trial: Trial) {
    this.trial = trial;
  }

  checked({ host, instance, check }: SimCheck, { kind }: CheckOutcome): void {
    const key = `${keyOf({ host, instance })} ${JSON.stringify(check)}`;
    this.answers.set(key, { passed: kind === "passed", atMs: this.trial.made.time.now });
  }

  see(event: RolloutEvent): void {
    if (event.type !== "instance.healthy") return;
    const process = processOf(this.trial, event);
    // Somebody has just taken it out of the configuration.
    if (!process) return;
    const spawn = process.spawns.findLast(({ pid }) => pid === event.pid);
    if (spawn) this.prove(event, spawn);
    else this.fail(event, `on pid ${event.pid}, which never was`);
  }

  private prove(event: Of<"instance.healthy">, spawn: SimSpawn): void {
    const { time } = this.trial.made;
    const { runningAtMs, endedAtMs, release } = spawn;
    const settings = this.trial.made.plan.waves
      .flatMap(({ hosts }) => hosts)
      .find(({ host }) => host === event.host)?.settings;
    if (event.pid === event.previous_pid) this.fail(event, "on its old pid");
    const left = this.trial.made.fleet
      .leftoversOf(event.host, event.instance)
      // What another stop has left, nobody knows of.
      .filter(({ group }) => group === event.previous_pid);
    if (settings?.leftovers === "fail" && left.length > 0)
      this.fail(event, `though pid ${left[0]?.pid} of its old process is still there`);
    if (release === 0) this.fail(event, "on the old release");
    if (endedAtMs !== undefined && time.now - endedAtMs > LATE_MS)
      this.fail(event, `though pid ${event.pid} ended ${time.now - endedAtMs} ms ago`);
    const ranMs = runningAtMs === undefined ? -1 : time.now - runningAtMs;
    if (ranMs < (settings?.timings.min_healthy_time_ms ?? 0)) this.fail(event, `after ${ranMs} ms`);
    for (const check of settings?.checks ?? []) this.proveServes(event, spawn, JSON.stringify(check));
  }

  private proveServes(event: Of<"instance.healthy">, spawn: SimSpawn, check: string): void {
    const answer = this.answers.get(`${keyOf(event)} ${check}`);
    if (!answer || answer.atMs < spawn.atMs) this.fail(event, `and was not asked ${check}`);
    else if (!answer.passed) this.fail(event, `though it answered last that it does not serve: ${check}`);
    else if (!servesAt(spawn, answer.atMs)) this.fail(event, "though another process answered in its place");
  }

  private fail(event: Of<"instance.healthy">, how: string): void {
    this.trial.fail(`${keyOf(event)} passes for healthy ${how}`);
  }
}
