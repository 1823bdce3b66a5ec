import type { ProgramName } from "../../domain/ids.ts";
import type { Rollout } from "../../domain/rollout.ts";
import type { ProgramHealth } from "./page-data.ts";

interface Count {
  readonly floor: number;
  readonly total: number;
  healthy: number;
  readonly steps: number[];
}

/**
 * How many instances of each program are healthy over time. Instances of the plan that are outside the rollout count as
 * healthy: no event mentions them.
 */
export class Health {
  private readonly programs = new Map<ProgramName, Count>();

  /** @param known of each program the instances of the rollout, and how many of them are healthy before it */
  constructor(
    { limits }: Rollout,
    known: ReadonlyMap<ProgramName, { readonly total: number; readonly healthy: number }>,
  ) {
    for (const [program, { total, healthy }] of known) {
      const floor = limits.floors.find((each) => !each.selects && each.program === program);
      const others = Math.max(0, (floor?.total ?? total) - total);
      this.programs.set(program, {
        floor: floor?.min_healthy ?? 0,
        total: total + others,
        healthy: healthy + others,
        steps: [0, healthy + others],
      });
    }
  }

  change(program: ProgramName, by: number, atMs: number): void {
    const count = this.programs.get(program);
    if (!count || by === 0) return;
    count.healthy += by;
    if (count.steps.at(-2) === atMs) count.steps.splice(-2);
    count.steps.push(atMs, count.healthy);
  }

  drawn(): ProgramHealth[] {
    return [...this.programs].map(([name, { total, floor, steps }]) => ({ name, total, floor, healthy: steps }));
  }
}

/** The fewest that were healthy, and from when on. */
export function lowestOf({ healthy }: ProgramHealth): { readonly count: number; readonly atMs: number } {
  let lowest = { count: Infinity, atMs: 0 };
  for (let index = 0; index < healthy.length; index += 2) {
    const count = healthy[index + 1] ?? Infinity;
    if (count < lowest.count) lowest = { count, atMs: healthy[index] ?? 0 };
  }
  return lowest;
}
