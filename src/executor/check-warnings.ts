import type { HostName } from "../domain/ids.ts";
import { partsIn, type Rollout, type Warning } from "../domain/rollout.ts";
import { checkName } from "../domain/settings.ts";
import type { FleetHost } from "./ports.ts";

/** Warns of checks that no restart could pass. One instance of each host stands for all. */
export async function checkWarnings(
  fleet: ReadonlyMap<HostName, FleetHost>,
  rollout: Pick<Rollout, "waves">,
): Promise<Warning[]> {
  // A host may come in several waves, with the same checks.
  const barriers = new Map<string, Promise<Warning[]>>();
  for (const { host, checks, vars, batches } of partsIn(rollout)) {
    const instance = batches[0]?.instances[0]?.instance;
    const routes = fleet.get(host)?.checkRoutes;
    if (!instance || !routes) continue;
    for (const check of checks) {
      const key = JSON.stringify([host, check]);
      if (barriers.has(key)) continue;
      const warnings = routes
        .barrier(check, instance, vars)
        .then((why) =>
          why === undefined ? [] : [{ host, message: `its check ${checkName(check)} would fail: ${why}` }],
        );
      barriers.set(key, warnings);
    }
  }
  return (await Promise.all(barriers.values())).flat();
}
