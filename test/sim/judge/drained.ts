import type { RolloutEvent } from "../../../src/domain/events.ts";
import { keyOf } from "../../../src/domain/ids.ts";
import { worksOf, type Rollout } from "../../../src/domain/rollout.ts";
import { hostsOfHook } from "../../../src/domain/wave-hooks.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { reportText } from "../../../src/views/report/report.ts";
import type { Simulated } from "../simulate.ts";
import type { Trial, Witness } from "./trial.ts";

/** Nothing stays drained unnamed. */
export class Drained implements Witness {
  private readonly trial: Trial;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  /** Its preview names what it does not put back, since it does nothing with it. */
  see({ type }: RolloutEvent): void {
    const { made, rollout } = this.trial;
    if (type !== "rollout.started") return;
    const told = new Set<string>(
      rollout.warnings.flatMap(({ host, instance }) => {
        if (host === undefined) return [];
        return [instance === undefined ? `together ${host}` : keyOf({ host, instance })];
      }),
    );
    const worked = [...worksOf(rollout)].flatMap(({ host, batches }) =>
      batches.flatMap(({ instances }): string[] => instances.map(({ instance }) => keyOf({ host, instance }))),
    );
    for (const name of made.fleet.drained)
      if (name.includes(" ") && !worked.includes(name) && !told.has(name))
        this.trial.fail(`${name} is drained, and the preview of a rollout that leaves it so does not name it`);
    const putBack = new Set(togetherPutBack(rollout));
    for (const name of made.fleet.drainedTogether)
      if (!putBack.has(name) && !told.has(`together ${name.split(" ")[2]}`))
        this.trial.fail(`${name} is drained, and no hook of this rollout puts it back, nor does its preview name it`);
  }

  end({ outcome, events }: Simulated): void {
    const { fleet } = this.trial.made;
    const model = RolloutModel.of([{ type: "rollout.planned", ...this.trial.rollout }, ...events]);
    const { drains } = model;
    const named = new Set<string>([...drains.instances.keys(), ...drains.hosts]);
    for (const name of fleet.drained) if (!named.has(name)) this.trial.fail(`${name} is still drained, and not named`);
    const together = new Set([
      ...[...drains.batches].flatMap(([group, hosts]) => [...hosts].map((host) => `before_batch ${group} ${host}`)),
      ...[...drains.waves].flatMap(([group, hosts]) => [...hosts].map((host) => `before_wave ${group} ${host}`)),
    ]);
    for (const name of fleet.drainedTogether)
      if (!together.has(name)) this.trial.fail(`${name} is still drained, and not named`);
    // Where a controller was killed over a hook, nobody knows; of a whole host the hook that failed is not believed.
    const unknown = new Set<string>(this.trial.rollout.left_drained?.instances.map(keyOf));
    for (const key of drains.instances.keys())
      if (!fleet.drained.has(key) && !unknown.has(key)) this.trial.fail(`${key} is named as drained, and is not`);
    if (fleet.drained.size + fleet.drainedTogether.size > 0 && !reportText(model).includes("still drained"))
      this.trial.fail(
        `the report of a rollout that ${outcome ?? "never ended"} does not name the instances that are still drained`,
      );
  }
}

/** `before_batch group host` for each host that a hook of this rollout puts back. */
function togetherPutBack({ waves }: Rollout): string[] {
  return waves.flatMap((wave) => {
    const { group, hooks = {}, batches } = wave;
    const ofBatches = hooks.after_batch
      ? batches.flatMap((_, index) => hostsOfHook("after_batch", wave, index + 1))
      : [];
    const ofWave = hooks.after_wave ? hostsOfHook("after_wave", wave) : [];
    return [
      ...ofBatches.map((host) => `before_batch ${group} ${host}`),
      ...ofWave.map((host) => `before_wave ${group} ${host}`),
    ];
  });
}
