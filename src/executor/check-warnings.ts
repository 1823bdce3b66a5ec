import { worksOf, type Rollout, type Warning } from "../domain/rollout.ts";
import { textOf } from "../rollout/check-run.ts";
import type { HostName } from "../domain/ids.ts";
import type { FleetHost } from "./ports.ts";

/** Tells of checks that no restart could pass, of which the first instance would fail. One instance a host stands for all. */
export async function checkWarnings(
  fleet: ReadonlyMap<HostName, FleetHost>,
  rollout: Pick<Rollout, "waves">,
): Promise<Warning[]> {
  const found = [...worksOf(rollout)].flatMap(({ host, checks, vars, batches }) => {
    const instance = batches[0]?.instances[0]?.instance;
    const routes = fleet.get(host)?.checkRoutes;
    if (!instance || !routes) return [];
    return checks.map(async (check): Promise<Warning[]> => {
      const barrier = await routes.barrier(check, instance, vars);
      return barrier === undefined ? [] : [{ host, message: `its check ${textOf(check)} would fail: ${barrier}` }];
    });
  });
  return (await Promise.all(found)).flat();
}
