import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import type { AwaitedOutcome } from "../../../src/domain/outcomes.ts";
import type { ChangeFate, SimChange } from "../sim-world.ts";
import type { Simulated } from "../simulate.ts";
import { failedIn, type Trial, type Witness } from "./trial.ts";

/** Nothing is restarted twice, and each instance has one fate. */
export class Once implements Witness {
  private readonly trial: Trial;
  private readonly fates = new Map<string, string>();
  /** Restarts that reached the host, since the operator last wanted one again. */
  private readonly arrived = new Map<string, number>();
  /** What the operator has chosen to retry, and which has no other fate yet. */
  private readonly retried = new Set<string>();
  /** What failed as one is tried again as one. */
  private readonly together = new Map<string, readonly string[]>();
  private isProvable = true;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  see(event: RolloutEvent): void {
    if (event.type === "rollout.answered") this.seeAnswer(event);
    else if (event.type === "instance.restarting") this.seeRestart(event);
    else if (event.type === "instance.failed") this.seeFailure(event);
    else if (event.type === "instance.skipped") this.seeSkipped(event);
    else if (event.type === "instance.healthy") this.become(keyOf(event), "healthy");
  }

  sent(change: SimChange, { kind }: ChangeFate): void {
    if (kind === "not_sent" || kind === "lost_on_the_way" || change.action === "start") return;
    // Sent again, it goes on where it was.
    if (change.action === "update") return;
    const key = keyOf(change);
    const times = (this.arrived.get(key) ?? 0) + 1;
    this.arrived.set(key, times);
    if (times > 1) this.trial.fail(`${key} was restarted twice`);
  }

  /** Where nothing can be proven, the operator who wants it done again has to know better. */
  outcomeKnown({ kind }: AwaitedOutcome): void {
    this.isProvable &&= kind !== "unprovable";
  }

  end({ doubled }: Simulated): void {
    for (const key of this.isProvable ? doubled : [])
      this.trial.fail(`${key} was sent a change while another acted on it`);
  }

  private seeAnswer({ host, instance, answer }: EventOf<"rollout.answered">): void {
    if (answer !== "retry" || host === undefined || instance === undefined) return;
    const key = keyOf({ host, instance });
    for (const one of this.together.get(key) ?? [key]) {
      this.retried.add(one);
      this.arrived.delete(one);
    }
  }

  private seeFailure(event: EventOf<"instance.failed">): void {
    const failed = failedIn(event);
    this.together.set(keyOf(event), failed);
    for (const key of failed) this.become(key, "failed");
  }

  /** What a restart of supervisord has left down is nobody's wish. */
  private seeSkipped(event: EventOf<"instance.skipped">): void {
    const { host, instance, why } = event;
    const process = this.trial.made.fleet.hosts.get(host)?.get(instance);
    const isLeftDown = process?.state === "STOPPED" && !process.wasStoppedByHand;
    if (isLeftDown && why.includes("since the preview"))
      this.trial.fail(`${keyOf(event)} is skipped, and nobody has stopped it`);
    this.become(keyOf(event), "skipped");
  }

  private seeRestart(event: EventOf<"instance.restarting">): void {
    const key = keyOf(event);
    const fate = this.fates.get(key);
    if (fate !== undefined && !this.retried.has(key))
      this.trial.fail(`${key} was restarted again after it was ${fate}`);
  }

  private become(key: string, fate: string): void {
    const earlier = this.fates.get(key);
    const hasFailedAfterAll = fate === "failed" && (earlier === "healthy" || earlier === "skipped");
    if (earlier !== undefined && !hasFailedAfterAll && !this.retried.has(key))
      this.trial.fail(`${key} is ${fate} after it was ${earlier}`);
    // A hook that succeeds when it is run again gives the instance its fate back; what was healthy may then regress.
    this.retried.delete(key);
    this.fates.set(key, fate);
  }
}
