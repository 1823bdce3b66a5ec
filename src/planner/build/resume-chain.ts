import type { FleetReport } from "../../domain/fleet.ts";
import { beganAt, type HostName, type InstanceName, keyOf } from "../../domain/ids.ts";
import { LEFT_AS, worksOf, type LeftOpen, type Rollout, type Warning, type Wave } from "../../domain/rollout.ts";
import type { HookName } from "../../domain/settings.ts";
import { plannedIn } from "./capacity.ts";
import { openAs, type ResumedRollout } from "./resumed.ts";

/** What a resumed rollout records of the rollouts before it, and its warnings about them. */
export interface ResumeChain {
  readonly chain: Pick<Rollout, "resumes" | "began_as" | "left_drained" | "left_open">;
  readonly warnings: readonly Warning[];
}

/**
 * @param isPicked whether an instance is restarted, or named among the skipped
 * @param waves what this rollout does
 * @param proven how many are healthy and left alone
 */
export function resumeChain(
  resumed: ResumedRollout,
  fleet: FleetReport,
  isPicked: (host: HostName, instance: InstanceName) => boolean,
  waves: readonly Wave[],
  proven: number,
): ResumeChain {
  // Early journals have none.
  const { selection } = resumed.rollout as Partial<Rollout>;
  const { id, leftDrained } = resumed;
  const isAllBack = leftDrained.instances.length === 0 && leftDrained.hosts.length === 0;
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
  return {
    chain: {
      resumes: id,
      ...(selection && { began_as: { id: resumed.rollout.id, selection } }),
      ...(!isAllBack && { left_drained: leftDrained }),
      ...(left_open.length > 0 && { left_open }),
    },
    warnings: [...gone, ...drainWarnings(resumed, waves), ...provenWarning(resumed, proven)],
  };
}

const GONE = "it was part of the rollout that is resumed, and Supervisor no longer lists it";

/** Its host was looked at, and does not have it. */
function isGone(fleet: FleetReport, host: HostName, instance: InstanceName): boolean {
  const report = fleet.get(host);
  return report !== undefined && "instances" in report && !report.instances.some((one) => one.instance === instance);
}

/**
 * Hosts and instances that may still be drained and that this rollout does not touch, because they were stopped or are
 * not selected: nothing puts them back into service.
 */
function drainWarnings({ leftDrained }: ResumedRollout, waves: readonly Wave[]): Warning[] {
  const hosts = new Set([...worksOf({ waves })].map(({ host }) => host));
  const planned = plannedIn(waves);
  const left = leftDrained.instances.filter(({ host, instance }) => !planned.has(keyOf({ host, instance })));
  return [
    ...left.map(({ host, instance }) => ({ host, instance, message: stillDrained("before_restart", "after_healthy") })),
    ...leftDrained.hosts
      .filter((host) => !hosts.has(host))
      .map((host) => ({ host, message: stillDrained("before_host", "after_host") })),
  ];
}

function stillDrained(drains: HookName, undoes: HookName): string {
  return `it may still be drained (${drains} started and ${undoes} did not succeed), and this rollout leaves it alone: put it back into service by hand`;
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
