import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { CheckOutcome } from "../../../src/domain/outcomes.ts";
import type { ChangeFate, SimChange, SimCheck, SimHook } from "../sim-world.ts";
import type { Trial, Witness } from "./trial.ts";

/** Set by `npm run sim -- --trace`. */
export const isTraced = () => process.env["ORCHESTRATE_SIM_TRACE"] === "1";

/** Judges nothing: prints all that passes, with the virtual time in seconds. */
export class Trace implements Witness {
  private readonly trial: Trial;

  constructor(trial: Trial) {
    this.trial = trial;
    const { id, waves } = trial.rollout;
    this.print(`rollout ${id}: ${waves.length} waves of ${trial.made.plan.hosts.length} hosts`);
  }

  see({ type, ...event }: RolloutEvent): void {
    if (type !== "rollout.planned") this.print(`${type} ${JSON.stringify(event)}`);
  }

  sent({ host, ...change }: SimChange, fate: ChangeFate): void {
    this.print(`  sent: ${host} ${JSON.stringify(change)} ${JSON.stringify(fate)}`);
  }

  checked({ host, instance, check, pid }: SimCheck, outcome: CheckOutcome): void {
    this.print(`  checked: ${host} ${instance} ${JSON.stringify(check)} of pid ${pid}: ${outcome.kind}`);
  }

  hooked({ hook, host, instance, hosts }: SimHook): void {
    this.print(`  hook: ${hook} ${host} ${instance}${hosts ? ` of ${hosts.join(" ")}` : ""}`);
  }

  private print(what: string): void {
    console.log(`${(this.trial.made.time.now / 1000).toFixed(3).padStart(9)} ${what}`);
  }
}
