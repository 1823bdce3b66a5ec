import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import type { CheckOutcome } from "../../../src/domain/outcomes.ts";
import type { Check } from "../../../src/domain/settings.ts";
import type { HostSettings } from "../../../src/planner/plan/plan.ts";
import { simTimings } from "../rollouts.ts";
import type { SimCheck } from "../sim-world.ts";
import { servesAt, type SimProcess, type SimSpawn } from "../sim-process.ts";
import { plannedIn, processOf, settingsOf, type Trial, type Witness } from "./trial.ts";

const DOWN: readonly string[] = ["STOPPED", "EXITED", "FATAL"];

/** A look shows what is; what is reported of it then may have waited for a hook. */
const LATE_MS = 1000;

interface Answer {
  readonly pid: number;
  readonly canPass: boolean;
  readonly passed: boolean;
  readonly atMs: number;
}

/**
 * Never a false healthy: the process that was proven runs, is of the new release, was started by a restart, has run for
 * min_healthy_time, and served when it was asked last, after that time and as often in a row as its checks say. And it
 * was not flooded with questions, nor asked again what it can never be asked.
 */
export class Proofs implements Witness {
  private readonly trial: Trial;
  /** The answers to each check of an instance. */
  private readonly answers = new Map<string, Answer[]>();

  constructor(trial: Trial) {
    this.trial = trial;
  }

  checked({ host, instance, check, pid }: SimCheck, { kind }: CheckOutcome): void {
    const key = `${keyOf({ host, instance })} ${JSON.stringify(check)}`;
    const answers = this.answers.get(key) ?? [];
    this.answers.set(key, answers);
    if (answers.some((answer) => answer.pid === pid && !answer.canPass))
      this.trial.fail(`${key} was asked again of pid ${pid}, though it can never pass`);
    answers.push({ pid, canPass: kind !== "impossible", passed: kind === "passed", atMs: this.trial.made.time.now });
  }

  see(event: RolloutEvent): void {
    if (event.type !== "instance.healthy") return;
    const process = processOf(this.trial, event);
    if (event.stopped || event.removed) return this.proveDown(event, process);
    // Another user has just taken it out of the configuration.
    if (!process) return;
    if (event.completed) return this.proveCompleted(event, process);
    const spawn = process.spawns.findLast(({ pid }) => pid === event.pid);
    if (spawn) this.prove(event, spawn);
    else this.fail(event, `on pid ${event.pid}, which never was`);
  }

  /** It was run again, from the new release, and has ended as expected. */
  private proveCompleted(event: EventOf<"instance.healthy">, { spawns, isOneShot }: SimProcess): void {
    const last = spawns.findLast(({ end }) => end !== undefined);
    if (!isOneShot) this.fail(event, "once it had ended, and is started again");
    if (last?.end !== "expected" || last.release === 0) this.fail(event, `though its last end was ${last?.end}`);
  }

  /** No process of it runs. */
  private proveDown(event: EventOf<"instance.healthy">, process: SimProcess | undefined): void {
    if (event.pid !== undefined) this.fail(event, `on pid ${event.pid}, though it is to be down`);
    // Another user may have started it since.
    const startedAgoMs = this.trial.made.time.now - (process?.spawns.at(-1)?.atMs ?? 0);
    if (process && !DOWN.includes(process.state) && startedAgoMs > LATE_MS) this.fail(event, `and is ${process.state}`);
    if (event.removed && process?.config.autostart === true) this.fail(event, "as removed, and is to be started");
  }

  private prove(event: EventOf<"instance.healthy">, spawn: SimSpawn): void {
    const { time } = this.trial.made;
    const { runningAtMs, endedAtMs, release } = spawn;
    const settings = settingsOf(this.trial, event);
    const planned = plannedIn(this.trial, event);
    const isSignalled = planned?.signal !== undefined;
    // A signal of an earlier rollout, which nobody knows to have arrived, is not sent again.
    const mayBeAsItWas = isSignalled && planned.action === "gate";
    if (event.pid === event.previous_pid && !isSignalled) this.fail(event, "on its old pid");
    if (event.pid !== event.previous_pid && isSignalled)
      this.fail(event, "on another pid than the one that was signalled");
    const left = this.trial.made.fleet
      .leftoversOf(event.host, event.instance)
      // What another stop has left, nobody knows of.
      .filter(({ group }) => group === event.previous_pid);
    if (settings?.leftovers === "fail" && left.length > 0 && !isSignalled)
      this.fail(event, `though pid ${left[0]?.pid} of its old process is still there`);
    if (release === 0 && !mayBeAsItWas) this.fail(event, "on the old release");
    if (endedAtMs !== undefined && time.now - endedAtMs > LATE_MS)
      this.fail(event, `though pid ${event.pid} ended ${time.now - endedAtMs} ms ago`);
    const sinceMs = isSignalled && !mayBeAsItWas ? spawn.loadedAtMs : runningAtMs;
    const ranMs = sinceMs === undefined ? -1 : time.now - sinceMs;
    if (ranMs < (settings?.timings.min_healthy_time_ms ?? 0)) this.fail(event, `after ${ranMs} ms`);
    if (settings) for (const check of settings.checks) this.proveServes(event, spawn, check, settings);
  }

  private proveServes(
    event: EventOf<"instance.healthy">,
    spawn: SimSpawn,
    check: Check,
    { leftovers, timings }: HostSettings,
  ): void {
    const provenAtMs = (spawn.loadedAtMs ?? spawn.runningAtMs ?? 0) + timings.min_healthy_time_ms;
    const all = this.answers.get(`${keyOf(event)} ${JSON.stringify(check)}`) ?? [];
    const ofIt = all.filter(({ pid }) => pid === spawn.pid);
    const last = ofIt.slice(-(check.passes ?? 1));
    const [answer] = ofIt.slice(-1);
    if (!answer || last.length < (check.passes ?? 1)) this.fail(event, `and was asked ${ofIt.length} times`);
    else if (answer.atMs < provenAtMs) this.fail(event, "and was not asked after min_healthy_time");
    else if (last.some(({ passed }) => !passed))
      this.fail(event, "though its last answers were that it does not serve");
    // Where the plan accepts leftovers, they may answer, and where nobody can know of them.
    else if (leftovers === "fail" && !this.hasUnknown(event) && last.some(({ atMs }) => !servesAt(spawn, atMs)))
      this.fail(event, "though another process answered in its place");
    // The one after min_healthy_time comes sooner.
    const between = ofIt.slice(1).map(({ atMs }, index) => atMs - (ofIt[index]?.atMs ?? 0));
    const early = between.filter((ms) => ms < simTimings.between_checks_ms);
    if (early.length > 1) this.fail(event, `and was asked ${early.join(", ")} ms after the question before`);
  }

  private hasUnknown({ host, instance }: EventOf<"instance.healthy">): boolean {
    return this.trial.made.fleet.leftoversOf(host, instance).some(({ orphan }) => orphan && !orphan.wasSeen);
  }

  private fail(event: EventOf<"instance.healthy">, how: string): void {
    this.trial.fail(`${keyOf(event)} passes for healthy ${how}`);
  }
}
