/** One controller with 500 connections, to 50 real hosts: what each costs, against one of 50. */
import { BUNDLE, writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { costText, measure, median, medianCost, type Cost } from "./measure.ts";
import { planHostsNamed } from "./names.ts";

const REAL_HOSTS = 50;
const CONNECTIONS = 500;
const PAIRS = 3;

export async function benchConnections(): Promise<void> {
  const fleet = await raiseFleet({ hosts: REAL_HOSTS, groups: [{ name: "web", processes: 1 }] });
  try {
    const previewOf = [await previewOver(fleet, REAL_HOSTS), await previewOver(fleet, CONNECTIONS)] as const;
    const pairs: (readonly [few: Cost, many: Cost])[] = [];
    for (let pair = 0; pair < PAIRS; pair++) pairs.push([await measure(previewOf[0]), await measure(previewOf[1])]);
    tell(REAL_HOSTS, medianCost(pairs.map(([few]) => few)));
    tell(CONNECTIONS, medianCost(pairs.map(([, many]) => many)));
    const ratioOf = (pick: (cost: Cost) => number) =>
      median(pairs.map(([few, many]) => (pick(many) / pick(few)) * (REAL_HOSTS / CONNECTIONS))).toFixed(2);
    console.log(
      `  a connection among ${CONNECTIONS} against one among ${REAL_HOSTS}: wall ${ratioOf(({ wallMs }) => wallMs)}, ` +
        `CPU of the client ${ratioOf(({ cpuMs }) => cpuMs)} (${PAIRS} pairs)`,
    );
  } finally {
    await fleet.down();
  }
}

async function previewOver(fleet: Fleet, connections: number): Promise<readonly string[]> {
  // By session each would be a Python on this machine.
  const plan = await writePlan(fleet, { hosts: planHostsNamed(fleet, connections, "XML-RPC") }, `c-${connections}`);
  return [process.execPath, BUNDLE, plan, "--dry-run"];
}

function tell(connections: number, cost: Cost): void {
  console.log(
    `a preview over ${connections} connections to ${REAL_HOSTS} hosts: ${costText(cost)}, ${cost.openFiles} open files`,
  );
}
