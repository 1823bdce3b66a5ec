import type { RolloutEvent } from "../../src/domain/events.ts";
import { Collected } from "../../src/views/collected.ts";
import { Ledger } from "../../src/views/ledger.ts";
import { createReport } from "../../src/views/report.ts";
import { scenario } from "./scenario.ts";
import { simulate, type Simulated } from "./simulate.ts";

/** A rollout takes longer than this only if it waits for ever. */
const LONGEST_MS = 48 * 3_600_000;

/** For so long a picture of the fleet may be out of date: one look that is slow, or one that was given up, and the pause. */
const UNSEEN_MS = 95_000;

type InstanceEvent = Extract<RolloutEvent, { type: `instance.${string}` }>;

/** Runs the scenario of a seed and says what was promised and not kept: nothing, if all is well. */
export async function judge(seed: number, { faults = true } = {}): Promise<string[]> {
  const judged = new Judge(seed, faults);
  await judged.run();
  return judged.violations;
}

class Judge {
  readonly violations: string[] = [];
  private readonly faults: boolean;
  private readonly made: ReturnType<typeof scenario>;
  private readonly floor: number;
  private readonly underRestart = new Map<string, Set<string>>();
  private readonly fates = new Map<string, string>();
  /** What our own doing took down, and has not brought up. */
  private readonly down = new Set<string>();
  /** Restarts that reached the host, since the operator last wanted one again. */
  private readonly arrived = new Map<string, number>();
  /** What the operator wants done again, and which has no other fate yet. */
  private readonly retried = new Set<string>();
  /** Whose before_restart hook was begun and has not failed, and whose after_healthy hook has not succeeded since. */
  private readonly drained = new Set<string>();
  private stopped = false;
  private isAsking = false;
  private interrupted = false;
  private isProvable = true;
  private answeredAtMs = -Infinity;
  private lastRestMs: number | undefined;

  constructor(seed: number, faults: boolean) {
    this.faults = faults;
    this.made = scenario(seed, { faults });
    this.floor = this.made.planned.limits.floors[0]?.min_healthy ?? 0;
  }

  async run(): Promise<void> {
    const { planned, fleet, time, options, interruptAtMs, leaveAtMs, lockLostAtMs } = this.made;
    const run = await simulate(planned, fleet, time, {
      ...options,
      onSettle: () => {
        const settled = options.onSettle?.() ?? { kind: "settled" };
        // Where nothing can be proven, the operator who wants it done again has to know better.
        this.isProvable &&= settled.kind !== "unprovable";
        return settled;
      },
      onChange: (command) => {
        const fate = options.onChange?.(command) ?? { kind: "arrives" };
        const key = `${command.host} ${command.instance}`;
        if (fate.kind === "not_sent" || fate.kind === "lost_on_the_way" || command.action === "start") return fate;
        this.arrived.set(key, (this.arrived.get(key) ?? 0) + 1);
        if ((this.arrived.get(key) ?? 0) > 1) this.fail(`${key} was restarted twice`);
        return fate;
      },
      onHook: (command) => {
        if (this.isAsking && command.hook.startsWith("before_"))
          this.fail(`${command.hook} began while the operator was asked`);
        if (command.hook === "before_restart") this.drained.add(`${command.host} ${command.instance}`);
        return options.onHook?.(command) ?? { kind: "succeeded" };
      },
      onEvent: (event, tell) => {
        if (event.type === "rollout.started" && interruptAtMs !== undefined)
          time.at(interruptAtMs, () => tell({ type: "interrupted", signal: "SIGINT" }));
        if (event.type === "rollout.started" && leaveAtMs !== undefined)
          time.at(leaveAtMs, () => tell({ type: "abandoned" }));
        if (event.type === "rollout.started" && lockLostAtMs !== undefined)
          time.at(lockLostAtMs, () => tell({ type: "lock_lost", reason: "somebody else has it" }));
        if (this.interruptsAt(event)) tell({ type: "interrupted", signal: "SIGINT" });
        this.see(event);
      },
    });
    this.judgeEnd(run);
  }

  private interruptsAt({ type }: RolloutEvent): boolean {
    const { interruptsQuestion, interruptsAnswer } = this.made;
    return (type === "rollout.asking" && interruptsQuestion) || (type === "rollout.answered" && interruptsAnswer);
  }

  private fail(what: string): void {
    this.violations.push(`${(this.made.time.now / 1000).toFixed(1)} s: ${what}`);
  }

  private see(event: RolloutEvent): void {
    const { time } = this.made;
    if (this.isAsking && (event.type === "wave.started" || event.type === "batch.started"))
      this.fail(`${event.type} while the operator was asked`);
    if (event.type === "rollout.asking") this.seeQuestion();
    else if (event.type === "rollout.answered") this.seeAnswer(event);
    else if (event.type === "rollout.halted") this.seeHalt(event);
    else if (event.type === "rollout.interrupted") this.stopped = this.interrupted = true;
    else if (event.type === "host.resting" || event.type === "batch.resting") this.lastRestMs = time.now;
    else if (event.type === "hook.finished") this.seeHook(event);
    else if (event.type === "instance.restarting") this.seeRestart(event);
    else if (event.type === "instance.unchanged") this.seeUnchanged(event);
    else if (event.type === "instance.failed") this.settle(event, "failed");
    else if (event.type === "instance.skipped") this.settle(event, "skipped");
    else if (event.type === "instance.healthy") {
      this.seeHealthy(event);
      this.settle(event, "healthy");
    }
  }

  private seeQuestion(): void {
    if (this.isAsking) this.fail("two questions at once");
    if (this.stopped) this.fail("it asked after it had stopped");
    this.isAsking = true;
  }

  private seeAnswer({ host, instance, answer }: Extract<RolloutEvent, { type: "rollout.answered" }>): void {
    this.isAsking = false;
    this.answeredAtMs = this.made.time.now;
    if (answer !== "retry" || instance === undefined) return;
    this.retried.add(`${host} ${instance}`);
    this.arrived.delete(`${host} ${instance}`);
  }

  /** Drained is down, from the end of one hook to the end of the other. */
  private seeHook({ hook, host, instance, succeeded }: Extract<RolloutEvent, { type: "hook.finished" }>): void {
    if (instance === undefined) return;
    const isInService = hook === "after_healthy" ? succeeded : !succeeded;
    if (isInService) this.drained.delete(`${host} ${instance}`);
    if (!succeeded) return;
    if (hook === "before_restart") this.down.add(`${host} ${instance}`);
    else this.down.delete(`${host} ${instance}`);
  }

  private seeUnchanged(event: Extract<RolloutEvent, { type: "instance.unchanged" }>): void {
    this.free(event);
    if (!this.made.sizes.hooks.before_restart) this.down.delete(`${event.host} ${event.instance}`);
  }

  private seeHalt({ code }: Extract<RolloutEvent, { type: "rollout.halted" }>): void {
    const { time, sizes } = this.made;
    const waited = time.now - this.answeredAtMs;
    const isWaiting = code === "floor_not_met" || code === "unreachable";
    if (this.isAsking && isWaiting) this.fail(`${code} while the operator was asked`);
    if (code === "floor_not_met" && waited < (sizes.timings.progress_deadline_ms ?? 0))
      this.fail("the time that the operator took was held against what waits");
    this.stopped = true;
    this.isAsking = false;
  }

  private seeRestart(event: Extract<RolloutEvent, { type: "instance.restarting" }>): void {
    const { fleet, sizes } = this.made;
    const key = `${event.host} ${event.instance}`;
    const isRunning = fleet.hosts.get(event.host)?.get(event.instance)?.state === "RUNNING";
    const wasHealthy = isRunning && !this.down.has(key);
    this.down.add(key);
    // What our lost restart has left STOPPED is brought up whatever else happens: that restarts nothing.
    const isBroughtUp = event.action === "start" && this.underRestart.get(event.host)?.has(event.instance);
    if (isBroughtUp) return;
    if (this.stopped) this.fail(`${key} was restarted after the rollout had stopped`);
    if (this.isAsking) this.fail(`${key} was restarted while the operator was asked`);
    if (this.fates.has(key) && !this.retried.has(key))
      this.fail(`${key} was restarted again after it was ${this.fates.get(key)}`);
    const others = this.healthyBesides(key);
    if (wasHealthy && others < this.floor)
      this.fail(`${key} was stopped with ${others} others healthy, below ${this.floor}`);
    const onHost = this.underRestart.get(event.host) ?? new Set();
    this.underRestart.set(event.host, onHost.add(event.instance));
    if (onHost.size > sizes.instancesAtOnce) this.fail(`${onHost.size} instances under restart on ${event.host}`);
    if (this.underRestart.size > sizes.hostsAtOnce) this.fail(`${this.underRestart.size} hosts under restart`);
  }

  private seeHealthy({ host, instance, pid, previous_pid }: Extract<RolloutEvent, { type: "instance.healthy" }>): void {
    const key = `${host} ${instance}`;
    if (!this.made.sizes.hooks.after_healthy) this.down.delete(key);
    const stops = this.made.fleet.hosts.get(host)?.get(instance)?.stopsAtMs.length ?? 0;
    if (stops === 0) this.fail(`${key} passes for healthy and was never restarted`);
    if (pid === previous_pid) this.fail(`${key} is healthy on its old pid ${pid}`);
  }

  /** Running, or broken so shortly before that no look need have shown it yet. */
  private healthyBesides(key: string): number {
    const { fleet, time } = this.made;
    let count = 0;
    for (const [other, removedAtMs] of fleet.removed)
      if (other !== key && !this.down.has(other) && time.now - removedAtMs <= UNSEEN_MS) count++;
    for (const [host, processes] of fleet.hosts)
      for (const [instance, process] of processes) {
        const other = `${host} ${instance}`;
        if (other === key || this.down.has(other)) continue;
        if (process.state === "RUNNING" || time.now - process.brokeAtMs <= UNSEEN_MS) count++;
      }
    return count;
  }

  private settle(event: InstanceEvent, fate: string): void {
    const key = `${event.host} ${event.instance}`;
    const earlier = this.fates.get(key);
    const hasFailedAfterAll = fate === "failed" && (earlier === "healthy" || earlier === "skipped");
    if (earlier !== undefined && !hasFailedAfterAll && !this.retried.has(key))
      this.fail(`${key} is ${fate} after it was ${earlier}`);
    // A hook that succeeds when it is run again gives the instance its fate back; what was healthy may then regress.
    this.retried.delete(key);
    this.fates.set(key, fate);
    this.free(event);
  }

  private free({ host, instance }: InstanceEvent): void {
    const onHost = this.underRestart.get(host);
    onHost?.delete(instance);
    if (onHost?.size === 0) this.underRestart.delete(host);
  }

  private judgeEnd({ outcome, events, doubled }: Simulated): void {
    const { planned, sizes, time } = this.made;
    if (outcome === undefined) this.fail("it never ended");
    for (const key of this.isProvable ? doubled : []) this.fail(`${key} was sent a change while another acted on it`);
    if (time.now > LONGEST_MS) this.fail("it took longer than two days");
    if (events.some(({ seq }, index) => seq !== index + 1)) this.fail("the events are not numbered without a gap");
    const finished = events.at(-1);
    if (finished?.type !== "rollout.finished") return;
    const ledger = new Ledger();
    const report = createReport();
    const collected = new Collected();
    for (const event of [{ type: "rollout.planned" as const, ...planned }, ...events]) {
      ledger.record(event);
      report.collect(event);
      collected.collect(event);
    }
    const named = new Set(collected.drains.instances.keys());
    for (const key of this.drained) if (!named.has(key)) this.fail(`${key} is still drained, and not named`);
    for (const key of named) if (!this.drained.has(key)) this.fail(`${key} is named as drained, and is not`);
    if (this.drained.size > 0 && !report.text().includes("still drained"))
      this.fail(`the report of what ${finished.outcome} does not tell of what is still drained`);
    if (!report.text().startsWith(finished.outcome)) this.fail("the report tells another outcome");
    const told = finished.counts;
    const { healthy, failed, indeterminate, under_restart, skipped, untouched } = ledger.counts;
    const shown = { healthy, failed: failed + indeterminate + under_restart, skipped, untouched };
    if (JSON.stringify(shown) !== JSON.stringify(told))
      this.fail(`shown ${JSON.stringify(ledger.counts)}, told ${JSON.stringify(told)}`);
    const total = told.healthy + told.failed + told.skipped + told.untouched;
    if (total !== sizes.hosts * sizes.instances)
      this.fail(`${total} of ${sizes.hosts * sizes.instances} instances are accounted for`);
    this.judgeOutcome(events, finished);
  }

  private judgeOutcome(
    events: Simulated["events"],
    { outcome, counts }: Extract<RolloutEvent, { type: "rollout.finished" }>,
  ): void {
    const { sizes } = this.made;
    const mayTolerate = events.some((event) => event.type === "rollout.answered" && event.answer === "skip");
    const isHalted = outcome === "halted" || (this.interrupted && this.made.leaveAtMs !== undefined);
    if (!isHalted && !mayTolerate && counts.failed > sizes.maxFailures)
      this.fail(`it was not halted by ${counts.failed} failures, with ${sizes.maxFailures} tolerated`);
    if (this.isAsking) this.fail("it ended with a question open");
    const isTold = events.some(({ type }) => type === "rollout.halted");
    if (isTold !== (outcome === "halted"))
      this.fail(`it ended ${outcome}, and ${isTold ? "told" : "did not tell"} a halt`);
    if (!this.faults && outcome !== "succeeded") this.fail(`without faults it ended ${outcome}`);
    if (outcome !== "succeeded") return;
    if (counts.untouched + counts.failed > 0) this.fail("it succeeded with instances untouched or failed");
    const { lastRestMs } = this;
    // The next may turn out to be none of ours.
    const goesOn = events.some(
      ({ type, atMs }) => /^instance\.(restarting|skipped)$/.test(type) && atMs >= (lastRestMs ?? 0),
    );
    if (lastRestMs !== undefined && !goesOn) this.fail("it rested after the last restart");
  }
}
