import type { HostName, InstanceName } from "../domain/ids.ts";
import type { HostWork, InstanceBatch, PlannedInstance, Wave } from "../domain/rollout.ts";

/** One batch, and where it stands. */
export interface Step {
  readonly place: { readonly wave: number; readonly group: string; readonly batch: number };
  readonly wave: Wave;
  readonly batch: Wave["batches"][number];
  readonly isFirstOfWave: boolean;
  readonly isLastOfWave: boolean;
}

/** An instance, and its place in the rollout. */
export interface Found {
  readonly work: HostWork;
  readonly batch: InstanceBatch;
  readonly planned: PlannedInstance;
}

/** All batches of all waves, in their order. */
export function stepsOf(waves: readonly Wave[]): Step[] {
  return waves.flatMap((wave, index) =>
    wave.batches.map((batch, inWave) => ({
      place: { wave: index + 1, group: wave.group, batch: inWave + 1 },
      wave,
      batch,
      isFirstOfWave: inWave === 0,
      isLastOfWave: inWave === wave.batches.length - 1,
    })),
  );
}

export function findIn(steps: readonly Step[], host: HostName, instance: InstanceName): Found | undefined {
  for (const work of steps.flatMap(({ batch }) => batch.hosts))
    for (const batch of work.host === host ? work.batches : []) {
      const planned = batch.instances.find((one) => one.instance === instance);
      if (planned) return { work, batch, planned };
    }
  return undefined;
}
