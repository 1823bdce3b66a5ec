import type { FleetReport } from "../../domain/fleet.ts";
import { beganAt, programOf, type HostName, type InstanceName } from "../../domain/ids.ts";
import {
  LEFT_AS,
  type LeftDrained,
  type LeftOpen,
  type Rollout,
  type SkippedInstance,
  type Warning,
  type Wave,
} from "../../domain/rollout.ts";
import { drainWarnings, withLeftDrained } from "./left-drained.ts";
import { openAs, type ResumedRollout } from "./resumed.ts";
import { touchedIn, untouchedHostsOf, type RevertedRollout } from "./reverting.ts";

/** What a rollout records of the rollouts that it resumes or reverts, and its warnings about them. */
export interface EarlierChain {
  readonly chain: Pick<Rollout, "resumes" | "reverts" | "untouched_hosts" | "began_as" | "left_drained" | "left_open">;
  readonly warnings: readonly Warning[];
  /** What this rollout does, with what it puts back for those before it. */
  readonly waves: readonly Wave[];
  /** What a revert cannot restart, and what an update has removed. */
  readonly gone: readonly SkippedInstance[];
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
): EarlierChain {
  // Early journals have none.
  const { selection } = resumed.rollout as Partial<Rollout>;
  const { id, leftDrained } = resumed;
  const left_open: LeftOpen[] = [];
  const gone: SkippedInstance[] = [];
  const removed: SkippedInstance[] = [];
  for (const [host, instances] of resumed.planned) {
    const open: Record<LeftOpen["as"], InstanceName[]> = { failed: [], unknown: [], untouched: [] };
    for (const instance of instances.keys()) {
      const as = openAs(resumed, host, instance);
      if (as === undefined || isPicked(host, instance)) continue;
      if (isRemoved(resumed, host, instance) && isGone(fleet, host, instance))
        removed.push(goneInstance(host, instance, "it was removed before"));
      else if (isGone(fleet, host, instance)) gone.push(goneInstance(host, instance, GONE));
      else open[as].push(instance);
    }
    for (const as of LEFT_AS) if (open[as].length > 0) left_open.push({ host, as, instances: open[as] });
  }
  const { reverts, untouched_hosts, began_as } = resumed.rollout;
  const isRevert = reverts !== undefined;
  const chain = {
    resumes: id,
    ...(selection && { began_as: { id: resumed.rollout.id, selection } }),
    ...(isRevert && {
      reverts,
      ...(untouched_hosts && { untouched_hosts }),
      ...(began_as && { began_as }),
    }),
    ...drained(leftDrained),
    ...(left_open.length > 0 && { left_open }),
  };
  const all = withLeftDrained(waves, chain, hosts);
  return {
    chain,
    warnings: [
      ...(isRevert ? [] : gone.map(({ host, instance, why }) => ({ host, instance, message: why }))),
      ...drainWarnings(leftDrained, all),
      ...(isRevert ? [] : provenWarning(resumed, proven)),
    ],
    waves: all,
    gone: [...removed, ...(isRevert ? gone.map((one) => ({ ...one, why: NOT_LISTED })) : [])],
  };
}

/**
 * What a revert records of the rollouts that it reverts: all that it does not restart is named.
 *
 * @param isPicked whether an instance is restarted
 * @param waves what the revert does
 * @param hosts those of the plan, as the command line has narrowed it
 */
export function revertChain(
  { id, chain: reverted, planHosts, acting }: RevertedRollout,
  fleet: FleetReport,
  isPicked: (host: HostName, instance: InstanceName) => boolean,
  waves: readonly Wave[],
  hosts: readonly { readonly name: HostName }[],
): EarlierChain {
  const { rollout, outcomes, leftDrained } = reverted;
  const { selection } = rollout as Partial<Rollout>;
  const left_open: LeftOpen[] = [];
  const gone: SkippedInstance[] = [];
  for (const [host, touched] of touchedIn(reverted)) {
    const open: Record<LeftOpen["as"], InstanceName[]> = { failed: [], unknown: [], untouched: [] };
    for (const instance of touched.filter((each) => !isPicked(host, each)))
      if (!planHosts.has(host)) gone.push(goneInstance(host, instance, NOT_IN_PLAN));
      else if (isGone(fleet, host, instance)) gone.push(goneInstance(host, instance, NOT_LISTED));
      else open[outcomes.get(host)?.get(instance)?.kind === "unknown" ? "unknown" : "untouched"].push(instance);
    for (const as of LEFT_AS) if (open[as].length > 0) left_open.push({ host, as, instances: open[as] });
  }
  const untouched_hosts = untouchedHostsOf(reverted);
  const chain = {
    reverts: id,
    ...(untouched_hosts.length > 0 && { untouched_hosts }),
    ...(selection && { began_as: rollout.began_as ?? { id: rollout.id, selection } }),
    ...drained(leftDrained),
    ...(left_open.length > 0 && { left_open }),
  };
  const all = withLeftDrained(waves, chain, hosts);
  const mayAct = [...(acting ?? [])].map(([host, why]) => ({ host, message: `it is not reverted: ${why}` }));
  return { chain, warnings: [...mayAct, ...drainWarnings(leftDrained, all)], waves: all, gone };
}

const GONE = "it was part of the rollout that is resumed, and Supervisor no longer lists it";
const NOT_LISTED = "it is not reverted: Supervisor no longer lists it";
const NOT_IN_PLAN = "it is not reverted: its host is no longer in the plan";

/** The update of its group was sent, which removes it. */
function isRemoved({ planned, outcomes }: ResumedRollout, host: HostName, instance: InstanceName): boolean {
  return planned.get(host)?.get(instance)?.action === "remove" && outcomes.get(host)?.has(instance) === true;
}

function goneInstance(host: HostName, instance: InstanceName, why: string): SkippedInstance {
  return { host, program: programOf(instance), instance, why };
}

function drained(leftDrained: LeftDrained): Pick<Rollout, "left_drained"> {
  const isAllBack = Object.values(leftDrained).flat().length === 0;
  return isAllBack ? {} : { left_drained: leftDrained };
}

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
