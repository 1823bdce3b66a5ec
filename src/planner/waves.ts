import { parseQuantity, type Quantity } from "../domain/quantity.ts";
import type { Findings } from "./findings.ts";
import { defaultsOf } from "./plan-schema.ts";
import type { HostSettings, PlanWave } from "./plan.ts";
import { listOf, type RawBatches, type RawPlan } from "./raw-plan.ts";
import { judgeTimings, readTimings, timingsOf } from "./timings.ts";
import { wasRefused, type Turn } from "./turns.ts";

/** Gives each turn its settings: the group's own, else the plan's, else the defaults. */
export function readWaves(turns: readonly Turn[], raw: RawPlan, findings: Findings): PlanWave[] {
  judgePrograms(turns, raw, findings);
  const ofPlan = readTimings(raw.timings, ["timings"], findings);
  // Of all groups, as a fault in one that has no turn is a fault as well.
  const ofGroups = new Map(
    Object.entries(raw.groups ?? {}).map(([name, group]) => [name, readTimings(group?.timings, ["groups", name, "timings"], findings)]),
  );
  return turns.map(({ name, hosts, group }) => {
    const timings = timingsOf((group && ofGroups.get(name)) ?? {}, ofPlan);
    judgeTimings(timings, raw, group && name, findings);
    const programs = listOf(group?.programs ?? raw.programs ?? []).filter((program) => program !== undefined);
    const batches = batchesOf(raw.batches, group?.batches);
    const settings: HostSettings = { instances: batches.instances, timings, checks: [], hooks: {}, vars: {} };
    return {
      group: name,
      hosts: hosts.map((host) => ({ host, settings })),
      programs,
      batches: { sizes: [batches.hosts], mode: "lockstep" },
      between_batches_ms: timings.between_batches_ms,
    };
  });
}

/** Tells of waves that have nothing to restart. */
function judgePrograms(turns: readonly Turn[], raw: RawPlan, findings: Findings): void {
  if ("programs" in raw || wasRefused(raw, "groups")) return;
  const groups = Object.values(raw.groups ?? {});
  if (!groups.some((group) => group === undefined || "programs" in group)) {
    findings.atKey([], 'the plan has no "programs"', "name what is restarted, such as `programs: my_program`");
    return;
  }
  for (const { name, group } of turns) {
    if (group && !("programs" in group)) {
      findings.atKey(["groups", name], 'has no "programs", and the plan has none for all groups', "add `programs` here, or at the top of the plan");
    }
  }
}

function batchesOf(...levels: readonly (RawBatches | null | undefined)[]): { hosts: Quantity; instances: Quantity } {
  let { hosts, instances } = defaultsOf("batches");
  for (const level of levels) {
    hosts = level?.hosts ?? hosts;
    instances = level?.instances ?? instances;
  }
  const one = { count: 1 };
  return { hosts: parseQuantity(hosts) ?? one, instances: parseQuantity(instances) ?? one };
}
