/** One controller with 500 connections, to 50 real hosts. */
import { BUNDLE, writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet } from "../fleet/fleet.ts";
import { costText, measure } from "./measure.ts";
import { planHostsNamed } from "./names.ts";

const REAL_HOSTS = 50;
const CONNECTIONS = 500;

export async function benchConnections(): Promise<void> {
  const fleet = await raiseFleet({ hosts: REAL_HOSTS, groups: [{ name: "web", processes: 1 }] });
  try {
    for (const connections of [REAL_HOSTS, CONNECTIONS]) {
      // By session each would be a Python on this machine.
      const plan = await writePlan(fleet, { hosts: planHostsNamed(fleet, connections, "XML-RPC") }, `c-${connections}`);
      const cost = await measure([process.execPath, BUNDLE, plan, "--dry-run"]);
      console.log(
        `a preview over ${connections} connections to ${REAL_HOSTS} hosts: ${costText(cost)}, ${cost.openFiles} open files`,
      );
    }
  } finally {
    await fleet.down();
  }
}
