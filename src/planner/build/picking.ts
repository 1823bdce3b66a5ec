import { whyNotAddressable } from "../../domain/address.ts";
import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport, GroupChange, HostReport } from "../../domain/fleet.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import { isNotStarted, type ProcessSnapshot } from "../../domain/process-state.ts";
import { lastEndIn, type ProcessHistory } from "../../domain/process-history.ts";
import type { PlannedInstance, ProvenInstance, SkippedInstance, Warning } from "../../domain/rollout.ts";
import { wasUp, whyNotPlanned, type EarlierOutcome } from "./resumed.ts";
import { Listeners } from "./listeners.ts";
import type { Earlier, EarlierRollout, Touched } from "./earlier.ts";
import type { HostSettings, Plan } from "../plan/plan.ts";
import { selectsGroup } from "../../domain/selector.ts";
import { resumeAction } from "./resume-action.ts";
import { revertAction } from "./reverting.ts";
import type { UpdatedGroup } from "./group-updates.ts";
import { updatedInstance } from "./updated-instance.ts";
import { howBroken, wantedAction, type InstanceAction } from "./wanted-action.ts";
import { startedLater, type StartedBefore } from "./started-before.ts";

/** What the command line selects of a plan's instances. */
export interface InstanceSelection extends EarlierRollout {
  /** Skips what was started later. */
  readonly startedBefore?: StartedBefore;
  /** The programs come from the command line, for all hosts alike: a host with none of them is left out, not refused. */
  readonly programsWhereFound?: boolean;
}

/** Which programs a plan selects. Of their EXITED instances it matters whether they stay EXITED. */
export function selectsProgram({ waves }: Plan): (program: ProgramName) => boolean {
  const known = new Map<ProgramName, boolean>();
  return (program) => {
    const selects = known.get(program) ?? waves.some(({ programs }) => selectsGroup(programs, program));
    known.set(program, selects);
    return selects;
  };
}

/** How an instance was selected. */
interface Selecting {
  readonly settings: HostSettings;
  /** Its group is named, not matched by a pattern. */
  readonly isNamed: boolean;
  /** How the configuration of its group on disk differs from what supervisord has loaded, where that was asked. */
  readonly change?: GroupChange | undefined;
}

interface Remarks {
  readonly warnings: Warning[];
  readonly refusals: Refusal[];
}

/** Decides what to do with each instance that a wave selects, and records why others are skipped. */
export class InstancePicker {
  readonly proven: ProvenInstance[] = [];
  /** The programs of all instances that it was asked about. */
  readonly programs = new Set<ProgramName>();
  /** Picked by an earlier wave or selector: nothing is restarted twice. */
  private readonly picked = new Map<HostName, Set<InstanceName>>();
  private readonly left: SkippedInstance[] = [];
  private readonly listeners: Listeners;
  private readonly earlier: Earlier;
  private readonly fleet: FleetReport;
  private readonly selection: InstanceSelection;
  private readonly remarks: Remarks;

  /** @param remarks warnings and refusals are added to it */
  constructor(fleet: FleetReport, selection: InstanceSelection, earlier: Earlier, remarks: Remarks) {
    this.fleet = fleet;
    this.selection = selection;
    this.earlier = earlier;
    this.remarks = remarks;
    this.listeners = new Listeners(fleet, remarks.warnings);
  }

  get skipped(): SkippedInstance[] {
    return [...this.left, ...this.listeners.left(({ host, instance }) => this.hasPicked(host, instance))];
  }

  /** What to do with an instance; undefined, with the reason recorded, if nothing. */
  pick(
    host: HostName,
    program: ProgramName,
    snapshot: ProcessSnapshot,
    selecting: Selecting,
  ): PlannedInstance | undefined {
    const { instance } = snapshot;
    const picked = this.picked.get(host) ?? new Set();
    if (picked.has(instance)) return undefined;
    const touched = this.earlier.touched(host, instance);
    if (this.earlier.isRevert && !touched) return undefined;
    const outcome = this.earlier.outcomeOf(host, instance);
    if (!outcome && !touched && !selecting.isNamed && this.isListener(host, instance))
      return this.listeners.leave(host, program, instance);
    this.picked.set(host, picked.add(instance));
    this.programs.add(programOf(instance));
    if (outcome) return this.pickAgain(outcome, host, program, snapshot, selecting);
    return touched
      ? this.pickReverted(touched, host, program, snapshot, selecting)
      : this.pickNew(host, program, snapshot, selecting);
  }

  /**
   * What an update does to each instance of a group, all together; empty where there is nothing to do, or where an earlier
   * wave does it.
   */
  pickUpdate(
    host: HostName,
    { group, instances }: UpdatedGroup,
    { isNamed }: Pick<Selecting, "isNamed">,
  ): PlannedInstance[] {
    const picked = this.picked.get(host) ?? new Set();
    if (instances.some(({ instance }) => picked.has(instance))) return [];
    if (!isNamed && instances.some(({ instance }) => this.isListener(host, instance))) {
      for (const { instance } of instances) this.listeners.leave(host, group, instance);
      return [];
    }
    this.programs.add(group);
    this.picked.set(host, picked);
    for (const { instance } of instances) picked.add(instance);
    const isStarted = instances.some(({ configured }) => configured?.autostart);
    return instances.flatMap((one) => {
      const { instance, present } = one;
      const isAtRest = this.isAtRest(host, instance);
      const updated = updatedInstance(one, { isAtRest, isGroupStarted: isStarted });
      if (updated.warning !== undefined) this.remarks.warnings.push({ host, instance, message: updated.warning });
      if (updated.kind === "skip") {
        this.leave({ host, program: group, instance, why: updated.why });
        return [];
      }
      const failed_as = this.earlier.failureOf(host, instance);
      const before = { state: present?.state ?? "STOPPED", ...(present?.pid !== undefined && { pid: present.pid }) };
      return [
        {
          instance,
          program: group,
          before,
          action: updated.action,
          ...(!present && { is_new: true as const }),
          ...(failed_as && { failed_as }),
          ...this.earlier.oldPids(host, instance, present?.pid),
          ...(isAtRest && updated.action === "update" && { may_complete: true as const }),
        },
      ];
    });
  }

  /** It was restarted, so that it is restarted again whatever has become of it: nobody else has left it so. */
  private pickReverted(
    { failed_as, may_complete }: Touched,
    host: HostName,
    program: ProgramName,
    snapshot: ProcessSnapshot,
    { settings }: Selecting,
  ): PlannedInstance {
    const { instance, state, pid } = snapshot;
    const completes = may_complete || (this.isAtRest(host, instance) && settings.exited === "restart");
    return {
      instance,
      program,
      before: { state, ...(pid === undefined ? {} : { pid }) },
      ...revertAction(settings.action, snapshot),
      ...(failed_as && { failed_as }),
      ...this.earlier.oldPids(host, instance, pid),
      ...(completes && { may_complete: true }),
    };
  }

  /** Whether it is restarted, started or checked, or named as skipped. */
  hasPicked(host: HostName, instance: InstanceName): boolean {
    return this.picked.get(host)?.has(instance) ?? false;
  }

  /** What to do with an instance to which no restart was sent before. */
  private pickNew(
    host: HostName,
    program: ProgramName,
    snapshot: ProcessSnapshot,
    selecting: Selecting,
  ): PlannedInstance | undefined {
    const { instance, state, pid } = snapshot;
    const why = this.whySkipped(host, snapshot, selecting);
    if (why !== undefined) return this.leave({ host, program, instance, why });
    if (selecting.settings.action === "update") return this.leaveNotUpdated(host, program, snapshot, selecting);
    const refusal = refusalOf(host, snapshot);
    if (refusal) {
      this.remarks.refusals.push(refusal);
      return undefined;
    }
    const isAtRest = this.isAtRest(host, instance);
    const wanted = wantedAction(actionIn(selecting), snapshot, isAtRest);
    if (wanted.warning !== undefined && !this.isBetweenProcesses(host, snapshot, selecting.settings))
      this.remarks.warnings.push({ host, instance, message: wanted.warning });
    if (wanted.kind === "skip") return this.leave({ host, program, instance, why: wanted.why });
    if (!selecting.isNamed) this.listeners.warnIfUnknown(host, instance);
    const processes = selecting.settings.on_expected_exit === "accept" ? this.processesOf(host, instance) : [];
    // A worker between two processes has not drifted when it is seen on the next one.
    const lastPid = pid ?? processes.at(-1)?.pid;
    const before = lastPid === undefined ? { state } : { state, pid: lastPid };
    const completes = isAtRest ? { may_complete: true as const } : {};
    const old = this.earlier.oldPids(host, instance, lastPid);
    const { action, signal } = wanted;
    return { instance, program, before, action, ...(signal !== undefined && { signal }), ...old, ...completes };
  }

  private leave(skipped: SkippedInstance): undefined {
    this.left.push(skipped);
  }

  /** A worker that may exit, and that Supervisor is starting again after an expected exit, is not broken. */
  private isBetweenProcesses(host: HostName, { instance, state }: ProcessSnapshot, settings: HostSettings): boolean {
    if (settings.on_expected_exit !== "accept" || (state !== "STARTING" && state !== "EXITED")) return false;
    return (
      !this.isAtRest(host, instance) && lastEndIn(seenOf(this.fleet.get(host))?.histories?.get(instance)) === "expected"
    );
  }

  /** What the resumed rollout meant to restart was named then. */
  private isListener(host: HostName, instance: InstanceName): boolean {
    return !this.earlier.plannedOf(host, instance) && this.listeners.has(host, instance);
  }

  private whySkipped(host: HostName, snapshot: ProcessSnapshot, selecting: Selecting): string | undefined {
    const { resumed, startedBefore } = this.selection;
    const excluded = resumed && whyNotPlanned(resumed, host, snapshot.instance);
    const later = startedBefore && startedLater(snapshot, startedBefore);
    if (actionIn(selecting) !== "restart") return excluded ?? later;
    // Its supervisord was restarted since and has not started it again: nobody stopped it on purpose.
    const isLeftDown = resumed !== undefined && isNotStarted(snapshot) && wasUp(resumed, host, snapshot.instance);
    const isLeft = snapshot.state === "STOPPED" && selecting.settings.stopped === "skip" && !isLeftDown;
    return (
      excluded ??
      later ??
      (isLeft ? "it was STOPPED before the rollout" : undefined) ??
      this.whyLeftExited(host, snapshot, selecting)
    );
  }

  /** A one-shot that has done its work is not run again. */
  private whyLeftExited(
    host: HostName,
    { instance }: ProcessSnapshot,
    { settings: { exited } }: Selecting,
  ): string | undefined {
    // The rollout that is resumed meant to restart it as it was.
    const wasMeant = this.earlier.plannedOf(host, instance)?.before.state === "EXITED";
    if (!this.isAtRest(host, instance) || exited === "restart" || wasMeant) return undefined;
    const message =
      "it is EXITED and is left as it is: it seems to have done its work; to run it again, set exited: restart";
    this.remarks.warnings.push({ host, instance, message });
    return "it was EXITED before the rollout";
  }

  /** What to do with an instance that the resumed rollout has restarted. */
  private pickAgain(
    outcome: EarlierOutcome,
    host: HostName,
    program: ProgramName,
    snapshot: ProcessSnapshot,
    { settings }: Selecting,
  ): PlannedInstance | undefined {
    const { instance, state, pid } = snapshot;
    const isAtRest = this.isAtRest(host, instance);
    // A one-shot that was running when the rollout started was planned like a server.
    const isRunAgain = isAtRest && settings.exited === "restart";
    const planned = this.earlier.plannedOf(host, instance);
    const mayComplete = planned?.may_complete === true || isRunAgain;
    const completes = mayComplete ? { may_complete: true as const } : {};
    const mayExit = settings.on_expected_exit === "accept";
    const history = seenOf(this.fleet.get(host))?.histories?.get(instance);
    const next = resumeAction(outcome, snapshot, { mayExit: mayExit && !isAtRest, mayComplete, history });
    if (planned?.action === "remove" && outcome.sent.action === "update")
      return this.leave({ host, program, instance, why: "its configuration has not changed since its update" });
    if (next.action !== "nothing") {
      const { warning, ...rest } = next;
      if (warning !== undefined) this.remarks.warnings.push({ host, instance, message: warning });
      const old = this.earlier.oldPids(
        host,
        instance,
        pid,
        outcome.kind === "healthy" ? outcome.pid : outcome.previousPid,
      );
      const before = { state, ...(pid === undefined ? {} : { pid }) };
      return { instance, program, before, ...rest, ...old, ...completes };
    }
    const why =
      next.why ??
      (next.pid === undefined
        ? "it was run again before, and has completed"
        : "it was restarted before and is healthy");
    this.left.push({ host, program, instance, why });
    const exits = mayExit ? { exits_at_most_every_ms: settings.timings.min_healthy_time_ms } : {};
    if (next.pid !== undefined) this.proven.push({ host, instance, pid: next.pid, ...exits, ...completes });
    return undefined;
  }

  /** Its group is none of those that are updated: an instance that is down stays down, which is easily taken for done. */
  private leaveNotUpdated(host: HostName, program: ProgramName, snapshot: ProcessSnapshot, selecting: Selecting) {
    const { instance } = snapshot;
    const why = whyNotUpdated(selecting);
    const broken = this.isAtRest(host, instance) ? undefined : howBroken(snapshot);
    if (broken === undefined) return this.leave({ host, program, instance, why });
    const message = `it is ${broken}, and an update of groups that have changed does not start it: --action start does`;
    this.remarks.warnings.push({ host, instance, message });
    return this.leave({ host, program, instance, why: `${why}; it is ${broken}` });
  }

  private processesOf(host: HostName, instance: InstanceName): ProcessHistory {
    const history = seenOf(this.fleet.get(host))?.histories?.get(instance);
    return history?.kind === "read" ? history.processes : [];
  }

  private isAtRest(host: HostName, instance: InstanceName): boolean {
    return seenOf(this.fleet.get(host))?.at_rest?.has(instance) === true;
  }
}

/** Its group is none of those that are updated. */
function whyNotUpdated({ change }: Selecting): string {
  return change === "disappeared"
    ? "its group is no longer configured, and is left running"
    : "its configuration has not changed";
}

/** The action for instances that no update of their group reaches. */
function actionIn({ settings: { action } }: Selecting): InstanceAction {
  return action === "update" ? "restart" : action;
}

function refusalOf(host: HostName, { instance, state }: ProcessSnapshot): Refusal | undefined {
  const unaddressable = whyNotAddressable(instance);
  if (unaddressable !== undefined) {
    const reason = `"${instance}" cannot be restarted by itself: ${unaddressable}`;
    return { code: "not_addressable", host, reason };
  }
  return state === "UNKNOWN" ? { code: "unknown_state", host, reason: `${instance} is UNKNOWN` } : undefined;
}

function seenOf(report: HostReport | undefined) {
  return report && "instances" in report ? report : undefined;
}
