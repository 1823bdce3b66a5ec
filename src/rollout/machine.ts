import type { RolloutEvent } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import { type HostName, type InstanceName, keyOf } from "../domain/ids.ts";
import type { HookOutcome, LookOutcome } from "../domain/outcomes.ts";
import { isDownAlready, partsIn, worksOf, type Rollout } from "../domain/rollout.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { HookName, WaveHooks } from "../domain/settings.ts";
import { WAVE_HOOKS } from "../domain/wave-hooks.ts";
import { CapacityLedger } from "./capacity.ts";
import { Drift } from "./drift.ts";
import { Evidence } from "./evidence.ts";
import { Failures, type OnFailureEnd } from "./failures.ts";
import type { GroupUpdate } from "./group-update.ts";
import { hookFinished, hookStarted, outcomeThatCounts } from "./hook-events.ts";
import type { HostRun } from "./host-run.ts";
import type { InstanceRun } from "./instance-run.ts";
import { Looks } from "./looks.ts";
import type { Command, Input } from "./messages.ts";
import { OutcomeRecorder } from "./outcome-recorder.ts";
import { ProcessLooks } from "./process-looks.ts";
import { RevertAfterHalt } from "./revert-after-halt.ts";
import { RolloutHookRun } from "./rollout-hooks.ts";
import { Tally } from "./tally.ts";
import { Watch } from "./watch.ts";
import { WaveRun } from "./wave-run.ts";
import { Supervisors } from "./supervisors.ts";
import type { RunContext } from "./run-context.ts";

type Phase = "before_rollout" | "first_look" | "waves" | "after_rollout" | "ending" | "ended";

/** How often hosts are looked at for instances that are not being restarted: for the floors, and for regressions. */
const DEFAULT_WATCH_MS = 5000;

/**
 * Decides a rollout: it is given what happened and when, and answers with commands.
 *
 * Pure and synchronous. It has no clock: `nowMs` is any monotonic count of milliseconds, and the same inputs at the
 * same times give the same commands. Without floors the work per input does not depend on the size of the fleet.
 */
export class Machine {
  private readonly rollout: Rollout;
  private readonly tally: Tally;
  private readonly failures: Failures;
  private readonly outcomes: OutcomeRecorder;
  private readonly hooks: RolloutHookRun;
  private readonly revert: RevertAfterHalt;
  private readonly capacity: CapacityLedger;
  private readonly supervisors: Supervisors;
  private readonly watch: Watch;
  private readonly drift: Drift;
  private readonly looks: Looks;
  private readonly evidence: Evidence;
  private readonly processLooks: ProcessLooks;
  private readonly waves: WaveRun;
  private readonly watchMs: number;
  private commands: Command[] = [];
  private phase: Phase = "before_rollout";
  private nowMs = 0;
  private beganAtMs = 0;
  private watchAtMs = Infinity;
  /** Hosts that the first look at the fleet still lacks, where floors need one before anything is taken down. */
  private unseen = new Set<HostName>();
  private isStopping = false;

  /** @param asks whether there is an operator who can be asked about failures */
  constructor(rollout: Rollout, { asks }: { readonly asks: boolean }) {
    this.rollout = rollout;
    this.watchMs = DEFAULT_WATCH_MS;
    for (const { timings } of partsIn(rollout)) this.watchMs = Math.min(this.watchMs, timings.between_checks_ms);
    const issue = (command: Command) => this.issue(command);
    const emit = (event: RolloutEvent) => this.emit(event);
    this.tally = new Tally(rollout, asks);
    this.revert = new RevertAfterHalt(rollout);
    this.hooks = new RolloutHookRun(rollout.hooks, issue);
    this.failures = new Failures(this.tally, issue, this.failureEnded, () => this.nowMs);
    this.capacity = new CapacityLedger(rollout.limits.floors);
    this.supervisors = new Supervisors(rollout, emit);
    this.outcomes = new OutcomeRecorder(this.tally, this.failures, emit);
    this.watch = new Watch(this.outcomes, this.supervisors);
    this.looks = new Looks(issue);
    this.evidence = new Evidence(issue, (host, snapshots) => this.needsHistory(host, snapshots));
    this.drift = new Drift(rollout, this.supervisors, emit);
    this.processLooks = new ProcessLooks(issue);
    const leftDrained = new Set(rollout.left_drained?.instances.map(({ host, instance }) => keyOf({ host, instance })));
    const addresses = new Map(rollout.hosts.map(({ name, address }) => [name, address]));
    const context: RunContext = {
      tally: this.tally,
      failures: this.failures,
      outcomes: this.outcomes,
      capacity: this.capacity,
      drift: this.drift,
      supervisors: this.supervisors,
      // Where it is not known what was left, anything may have been.
      wasLeftDrained: (host, instance) => rollout.resumes === undefined || leftDrained.has(keyOf({ host, instance })),
      isRevert: rollout.reverts !== undefined,
      addressOf: (host) => addresses.get(host) ?? host,
      issue,
      emit,
      halt: (code, reason) => this.halt(code, reason),
      expect: (proven) => this.watch.expect(proven, this.nowMs),
    };
    this.waves = new WaveRun(rollout.waves, context, this.looks, this.processLooks);
  }

  handle(input: Input, nowMs: number): readonly Command[] {
    this.commands = [];
    this.nowMs = nowMs;
    if (this.phase !== "ended") this.dispatch(input);
    return this.commands;
  }

  private dispatch(input: Input): void {
    if (input.type === "abandoned") {
      this.revert.interrupt();
      this.tally.leave();
      this.waves.abandon();
      this.failures.abandon();
      this.end();
      return;
    }
    const wasHeld = this.tally.isHeld;
    this.heed(input);
    this.beginStopping();
    if (wasHeld && this.tally.mayBegin) this.waves.released(this.nowMs);
    this.advance();
  }

  private heed(input: Exclude<Input, { type: "abandoned" }>): void {
    switch (input.type) {
      case "begin":
        this.begin();
        break;
      case "looked":
        this.looked(input.host, this.evidence.looked(input.host, input.outcome));
        break;
      case "history_read":
        this.looked(input.host, this.evidence.historyRead(input.host, input.histories));
        break;
      case "log_read":
        this.failures.logRead(input.host, input.instance, input.log);
        break;
      case "changed":
        if ("group" in input) this.forUpdate(input, (update) => update.changed(input.outcome, this.nowMs));
        else this.forInstance(input, (run) => run.changed(input.outcome, this.nowMs));
        break;
      case "outcome_known":
        if ("group" in input) this.forUpdate(input, (update) => update.outcomeKnown(input.outcome));
        else this.forInstance(input, (run) => run.outcomeKnown(input.outcome, this.nowMs));
        break;
      case "reread_done":
        this.forUpdate(input, (update) => update.rereadDone(input.outcome, this.nowMs));
        break;
      case "processes_seen": {
        const look = this.processLooks.arrived(input.host);
        if (look) this.runOf(input.host)?.processesSeen(look, input.outcome, this.nowMs);
        break;
      }
      case "checked":
        this.forInstance(input, (run) => run.checked(input, this.nowMs));
        break;
      case "hook_finished":
        this.hookFinished(input);
        break;
      case "woken":
        if (input.host === undefined) this.woken();
        else this.runOf(input.host)?.woken(this.nowMs);
        break;
      case "answered":
        if (input.continues) this.waves.resume(this.nowMs);
        else this.interrupt("the operator's answer");
        break;
      case "decided":
        this.failures.decided(input.answer);
        break;
      case "lock_lost":
        this.revert.sawHalt("lock_lost");
        // Once all is done, there is nothing left that it guards.
        if (!this.waves.isDone) this.halt("lock_lost", input.reason);
        break;
      case "journal_failed":
        this.halt("journal_unwritable", input.reason);
        break;
      case "interrupted":
        this.interrupt(input.signal);
    }
  }

  private begin(): void {
    this.beganAtMs = this.nowMs;
    this.emit({ type: "rollout.started" });
    for (const proven of this.rollout.proven) {
      this.watch.expect(proven, this.nowMs, true);
      if (proven.may_complete) this.capacity.take(proven.host, proven.instance, this.nowMs);
    }
    for (const { host, batches } of worksOf(this.rollout))
      for (const { instances } of batches)
        for (const one of instances) if (isDownAlready(one)) this.capacity.take(host, one.instance, this.nowMs);
    for (const skipped of this.rollout.skipped) this.outcomes.skipped(skipped, skipped.why);
    if (!this.hooks.run("before_rollout")) this.beginFirstLook();
  }

  /** With floors, nothing is taken down before the whole fleet was looked at once more. */
  private beginFirstLook(): void {
    this.phase = "first_look";
    if (!this.capacity.hasFloors) return;
    this.unseen = new Set(this.rollout.hosts.map(({ name }) => name));
    this.watchAll(this.unseen);
  }

  private needsHistory(host: HostName, snapshots: readonly ProcessSnapshot[]): boolean {
    return (
      this.watch.needsHistory(host, snapshots) ||
      this.capacity.needsHistory(host, snapshots) ||
      this.waves.needsHistory(host, snapshots, this.looks.issuedAtMs(host) ?? this.nowMs)
    );
  }

  /** @param outcome undefined where what was seen cannot be judged yet */
  private looked(host: HostName, outcome: LookOutcome | undefined): void {
    if (!outcome) return;
    const issuedAtMs = this.looks.arrived(host, this.nowMs);
    this.unseen.delete(host);
    this.capacity.observe(host, outcome, this.nowMs);
    this.supervisors.observe(host, outcome);
    const run = this.runOf(host);
    // A supervisord that has ended is the failure of what was being restarted, before it is that of all the others.
    if (outcome.kind !== "seen") run?.looked(outcome, issuedAtMs, this.nowMs);
    this.failures.looked(host, outcome, issuedAtMs);
    // Regressions are counted before anything else starts.
    this.watch.observe(host, outcome, this.nowMs);
    this.drift.observe(host, outcome);
    this.waves.looked(host, outcome, this.nowMs);
    if (outcome.kind === "seen") run?.looked(outcome, issuedAtMs, this.nowMs);
    if (this.capacity.hasFloors) this.waves.capacityChanged(this.nowMs);
  }

  private woken(): void {
    if (this.nowMs >= this.watchAtMs)
      this.watchAll(this.capacity.hasFloors ? this.rollout.hosts.map(({ name }) => name) : this.watch.hosts);
    for (const host of this.failures.hostsDue()) this.looks.request(host, this.nowMs);
    this.waves.woken(this.nowMs);
  }

  private watchAll(hosts: Iterable<HostName>): void {
    for (const host of hosts) this.looks.request(host, this.nowMs);
    this.watchAtMs = this.nowMs + this.watchMs;
  }

  private interrupt(signal: string): void {
    const isNews = this.revert.interrupt();
    if (this.tally.interrupt() || isNews) this.emit({ type: "rollout.interrupted", signal });
  }

  private hookFinished(input: Extract<Input, { type: "hook_finished" }>): void {
    const { hook, host, instance } = input;
    this.emit(hookFinished(input));
    const outcome = outcomeThatCounts(input);
    if (hook === "on_failure") this.hooks.afterFailureFinished();
    else if (isOfStep(hook)) this.waves.hookFinished(hook, outcome, this.nowMs);
    else if (host === undefined) this.rolloutHookFinished(hook, outcome);
    else if (instance === undefined) this.runOf(host)?.hookFinished(hook, outcome, this.nowMs);
    else this.forInstance({ host, instance }, (run) => run.hookFinished(outcome, this.nowMs));
  }

  private rolloutHookFinished(hook: HookName, outcome: HookOutcome): void {
    if (outcome.kind === "failed") {
      const reason = `the ${hook} hook failed: ${outcome.reason}`;
      if (this.tally.addFailure("hook_failed", reason, false) === "halts") this.reportHalt("hook_failed", reason);
      else if (hook === "before_rollout") this.halt("hook_failed", reason);
    }
    if (hook === "before_rollout") this.beginFirstLook();
    else this.phase = "ending";
  }

  private readonly failureEnded: OnFailureEnd = (failure, isRetried) => {
    if ("step" in failure) return this.waves.hookFailureEnded(isRetried, this.nowMs);
    const { host } = failure;
    if ("hook" in failure) this.runOf(host)?.hookFailureEnded(failure, isRetried, this.nowMs);
    else if (!failure.wasProven) this.forInstance(failure, (run) => run.failureEnded(isRetried, this.nowMs));
    else if (isRetried)
      for (const instance of [failure.instance, ...(failure.also ?? [])]) this.waves.retry(host, instance, this.nowMs);
  };

  private halt(code: HaltCode, reason: string): void {
    this.revert.sawHalt(code);
    if (this.tally.halt(code, reason)) this.reportHalt(code, reason);
  }

  private reportHalt(code: HaltCode, reason: string): void {
    this.emit({ type: "rollout.halted", code, reason });
  }

  /** Once, when the rollout starts to stop: hosts that are resting, waiting or in their final look have ended. */
  private beginStopping(): void {
    if (!this.tally.stop || this.isStopping) return;
    this.isStopping = true;
    this.failures.stopAsking();
    this.waves.stopBeginning(this.nowMs);
  }

  /** Moves to the next phase where that has become possible, and schedules the next wake. */
  private advance(): void {
    if (this.phase === "first_look" && (this.tally.mayBegin ? this.unseen.size === 0 : this.tally.stop)) {
      this.phase = "waves";
      this.waves.begin(this.nowMs);
    }
    if (this.phase === "waves") this.waves.refill(this.nowMs);
    if (this.phase === "waves" && this.waves.isOver && !this.failures.isBusy && !this.hooks.isBusy) this.finish();
    // What a look has shown while the hook ran is reported before the end.
    if (this.phase === "ending" && !this.failures.isBusy && !this.hooks.isBusy) this.end();
    if (this.phase === "ended") return;
    // Without floors only a pause or a long hook needs looks of its own; otherwise restarts look anyway.
    const { isPaused, isInHook } = this.waves;
    if (isPaused && this.watchAtMs === Infinity) this.watchAll(this.watch.hosts);
    if (isInHook && this.watchAtMs === Infinity) this.watchAtMs = this.nowMs + this.watchMs;
    if (!isPaused && !isInHook && !this.capacity.hasFloors) this.watchAtMs = Infinity;
    const atMs = Math.min(this.watchAtMs, this.waves.wakeAtMs, this.failures.lookAtMs);
    if (atMs !== Infinity) this.commands.push({ type: "wake", atMs });
  }

  private finish(): void {
    this.tally.askNoMore();
    if (this.hooks.run("after_rollout")) this.phase = "after_rollout";
    else this.end();
  }

  private end(): void {
    this.phase = "ended";
    this.failures.haltForUntried();
    const outcome = this.tally.outcome();
    const seconds = (this.nowMs - this.beganAtMs) / 1000;
    const revert = outcome === "halted" ? this.revert.decision : undefined;
    const counts = this.tally.counts();
    this.emit({ type: "rollout.finished", outcome, counts, seconds, ...(revert && { revert }) });
    this.commands.push({ type: "end", outcome, reverts: revert === "follows" });
  }

  private forUpdate({ host }: { readonly host: HostName }, act: (update: GroupUpdate) => void): void {
    this.runOf(host)?.forUpdate(act, this.nowMs);
  }

  private forInstance(
    { host, instance }: { readonly host: HostName; readonly instance: InstanceName },
    act: (run: InstanceRun) => void,
  ): void {
    this.runOf(host)?.forInstance(instance, act, this.nowMs);
  }

  private runOf(host: HostName): HostRun | undefined {
    return this.waves.runOf(host);
  }

  /** Every command passes here, so that each hook is reported and each failure is followed by its hook. */
  private issue(command: Command): void {
    if (command.type === "run_hook") this.emit(hookStarted(command));
    this.commands.push(command);
    if (command.type === "emit" && command.event.type === "instance.failed") this.hooks.runAfterFailure(command.event);
  }

  private emit(event: RolloutEvent): void {
    this.revert.see(event);
    this.issue({ type: "emit", event });
  }
}

function isOfStep(hook: HookName): hook is keyof WaveHooks {
  return (WAVE_HOOKS as readonly HookName[]).includes(hook);
}
