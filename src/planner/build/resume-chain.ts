import type { FleetReport } from "../../domain/fleet.ts";
import { beganAt, type HostName, type InstanceName } from "../../domain/ids.ts";
import { LEFT_AS, type LeftOpen, type Rollout, type Warning, type Wave } from "../../domain/rollout.ts";
import { drainWarnings, withLeftDrained } from "./left-drained.ts";
import { openAs, type ResumedRollout } from "./resumed.ts";

/** What a resumed rollout records of the rollouts before it, and its warnings about them. */
export interface ResumeChain {
  readonly chain: Pick<Rollout, "resumes" | "began_as" | "left_drained" | "left_open">;
  readonly warnings: readonly Warning[];
  /** What this rollout does, with what it puts back for those before it. */
  readonly waves: readonly Wave[];
}

/**
 * @param isPicked whether an instance is restarted, or named among the skipped
 * @param waves what this rollout does
 * @param proven how many are healthy and left alone
 * @param hosts those of the plan, as the command line has narrowed it
 */
export function resumeChain(
  resumed: ResumedRollout,
  fleet: FleetReport,
  isPicked: (host: HostName, instance: InstanceName) => boolean,
  waves: readonly Wave[],
  proven: number,
  hosts: readonly { readonly name: HostName }[],
): ResumeChain {
  // Early journals have none.
  const { selection } = resumed.rollout as Partial<Rollout>;
  const { id, leftDrained } = resumed;
  const isAllBack = Object.values(leftDrained).flat().length === 0;
  const left_open: LeftOpen[] = [];
  const gone: Warning[] = [];
  for (const [host, instances] of resumed.planned) {
    const open: Record<LeftOpen["as"], InstanceName[]> = { failed: [], unknown: [], untouched: [] };
    for (const instance of instances.keys()) {
      const as = openAs(resumed, host, instance);
      if (as === undefined || isPicked(host, instance)) continue;
      if (isGone(fleet, host, instance)) gone.push({ host, instance, message: GONE });
      else open[as].push(instance);
    }
    for (const as of LEFT_AS) if (open[as].length > 0) left_open.push({ host, as, instances: open[as] });
  }
  const chain = {
    resumes: id,
    ...(selection && { began_as: { id: resumed.rollout.id, selection } }),
    ...(!isAllBack && { left_drained: leftDrained }),
    ...(left_open.length > 0 && { left_open }),
  };
  const all = withLeftDrained(waves, chain, hosts);
  return {
    chain,
    warnings: [...gone, ...drainWarnings(leftDrained, all), ...provenWarning(resumed, proven)],
    waves: all,
  };
}

const GONE = "it was part of the rollout that is resumed, and Supervisor no longer lists it";

/** Its host was looked at, and does not have it. */
function isGone(fleet: FleetReport, host: HostName, instance: InstanceName): boolean {
  const report = fleet.get(host);
  return report !== undefined && "instances" in report && !report.instances.some((one) => one.instance === instance);
}

/** A resume does not check proven instances again. After another deployment that must be known. */
function provenWarning({ rollout }: ResumedRollout, proven: number): Warning[] {
  if (proven === 0) return [];
  const since = beganAt(rollout.id) ?? "then";
  const stay =
    proven === 1
      ? "1 instance is healthy and stays on the release that it was proven on"
      : `${proven} instances are healthy and stay on the release that they were proven on`;
  return [{ message: `${stay}: if another release was deployed since ${since}, run the plan again without --resume` }];
}
