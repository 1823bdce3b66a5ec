import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import { type HostName, type InstanceName, keyOf } from "../../../src/domain/ids.ts";
import { worksOf } from "../../../src/domain/rollout.ts";
import type { Simulated } from "../simulate.ts";
import type { InstanceEvent, Trial, Witness } from "./trial.ts";

/** No more at once than the batches say, nothing after a halt, nothing while the operator is asked, no rest at the end. */
export class Turns implements Witness {
  private readonly trial: Trial;
  private readonly underRestart = new Map<HostName, Set<InstanceName>>();
  private hostsAtOnce = 1;
  private hasStopped = false;
  private isAsking = false;
  private answeredAtMs = -Infinity;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  see(event: RolloutEvent): void {
    const { type } = event;
    if (this.isAsking && (type === "wave.started" || type === "batch.started"))
      this.trial.fail(`${type} while the operator was asked`);
    if (this.hasStopped && (type === "wave.started" || type === "batch.started"))
      this.trial.fail(`${type} after the rollout had stopped`);
    if (type === "batch.started")
      this.hostsAtOnce = this.trial.rollout.waves[event.wave - 1]?.batches[event.batch - 1]?.at_once ?? 0;
    else if (type === "hook.started") this.seeHook(event);
    else if (type === "rollout.asking") this.seeQuestion();
    else if (type === "rollout.answered") this.seeAnswer();
    else if (type === "rollout.halted") this.seeHalt(event);
    else if (type === "rollout.interrupted") this.hasStopped = true;
    else if (type === "instance.restarting") this.seeRestart(event);
    else if (
      type === "instance.healthy" ||
      type === "instance.failed" ||
      type === "instance.skipped" ||
      type === "instance.unchanged"
    )
      this.free(event);
  }

  end({ outcome, events }: Simulated): void {
    if (this.isAsking) this.trial.fail("it ended with a question open");
    if (outcome !== "succeeded") return;
    const lastRest = events.findLastIndex(({ type }) => type === "host.resting" || type === "batch.resting");
    // The next may turn out to be none of ours, or to be only proven, or it is only about hooks.
    const goesOn = events.some(
      ({ type }, index) => index > lastRest && /^(instance\.(restarting|skipped|healthy)|batch\.started)$/.test(type),
    );
    if (lastRest >= 0 && !goesOn) this.trial.fail("it rested after the last restart");
  }

  /** When it is decided: what runs only once its announcement is kept may run a little later, as a change does. */
  private seeHook({ hook }: EventOf<"hook.started">): void {
    if (this.isAsking && hook.startsWith("before_")) this.trial.fail(`${hook} began while the operator was asked`);
    if (this.hasStopped && hook.startsWith("before_")) this.trial.fail(`${hook} began after the rollout had stopped`);
  }

  private seeQuestion(): void {
    if (this.isAsking) this.trial.fail("two questions at once");
    if (this.hasStopped) this.trial.fail("it asked after it had stopped");
    this.isAsking = true;
  }

  private seeAnswer(): void {
    this.isAsking = false;
    this.answeredAtMs = this.trial.made.time.now;
  }

  private seeHalt({ code }: EventOf<"rollout.halted">): void {
    const waitedMs = this.trial.made.time.now - this.answeredAtMs;
    if (this.isAsking && (code === "floor_not_met" || code === "unreachable"))
      this.trial.fail(`${code} while the operator was asked`);
    if (code === "floor_not_met" && waitedMs < this.progressDeadlineMs)
      this.trial.fail("the time that the operator took was held against what waits");
    this.hasStopped = true;
    this.isAsking = false;
  }

  private seeRestart(event: EventOf<"instance.restarting">): void {
    const key = keyOf(event);
    const onHost = this.underRestart.get(event.host) ?? new Set();
    // What our lost restart has left STOPPED is brought up whatever else happens: that restarts nothing.
    // Likewise an update that was lost half way: it continues where it was.
    if ((event.action === "start" || event.action === "update") && onHost.has(event.instance)) return;
    if (this.hasStopped) this.trial.fail(`${key} was restarted after the rollout had stopped`);
    if (this.isAsking) this.trial.fail(`${key} was restarted while the operator was asked`);
    this.underRestart.set(event.host, onHost.add(event.instance));
    if (onHost.size > this.instancesAtOnce(event))
      this.trial.fail(`${onHost.size} instances under restart on ${event.host}`);
    if (this.underRestart.size > this.hostsAtOnce) this.trial.fail(`${this.underRestart.size} hosts under restart`);
  }

  private free({ host, instance }: InstanceEvent): void {
    const onHost = this.underRestart.get(host);
    onHost?.delete(instance);
    if (onHost?.size === 0) this.underRestart.delete(host);
  }

  private instancesAtOnce(event: InstanceEvent): number {
    for (const { host, batches } of worksOf(this.trial.rollout))
      for (const { at_once, instances } of host === event.host ? batches : [])
        if (instances.some(({ instance }) => instance === event.instance)) return at_once;
    return 0;
  }

  private get progressDeadlineMs(): number {
    const [work] = worksOf(this.trial.rollout);
    return work?.timings.progress_deadline_ms ?? 0;
  }
}
