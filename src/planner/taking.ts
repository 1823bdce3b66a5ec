import type { Refusal } from "../domain/failures.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../domain/ids.ts";
import {
  isNotStarted,
  isRunning,
  RUNNING_ON_NOTHING,
  type ProcessSnapshot,
  type ProcessState,
} from "../domain/process-state.ts";
import type { PlannedInstance, ProvenInstance, SkippedInstance, Warning } from "../domain/rollout.ts";
import { wasUp, whyNotPlanned, type Past, type PastFate } from "./past.ts";
import type { Plan } from "./plan.ts";
import { settle } from "./settle.ts";
import { startedLater, type StartedBefore } from "./started-before.ts";

/** What is selected of a plan's instances, besides what its patterns name. */
export interface InstanceSelection {
  /** Skips what was started later. */
  readonly startedBefore?: StartedBefore;
  /** The rollout to go on with. */
  readonly past?: Past;
  /** The programs are the command line's, for all hosts alike: one that has none of them is left out, not refused. */
  readonly programsWhereFound?: boolean;
}

const WARNED_OF: ReadonlySet<ProcessState> = new Set(["EXITED", "FATAL", "BACKOFF", "STARTING", "STOPPING"]);

/** Decides what is to be done with each instance that a wave selects, and keeps why nothing is with others. */
export class Taker {
  readonly skipped: SkippedInstance[] = [];
  readonly proven: ProvenInstance[] = [];
  /** Those of all instances that it was asked about. */
  readonly programs = new Set<ProgramName>();
  /** What an earlier wave or selector has taken already: nothing is restarted twice. */
  private readonly taken = new Map<HostName, Set<InstanceName>>();
  private readonly stopped: Plan["stopped"];
  private readonly selection: InstanceSelection;
  private readonly told: { readonly warnings: Warning[]; readonly refusals: Refusal[] };

  /** @param told what it has to say is added to */
  constructor(stopped: Plan["stopped"], selection: InstanceSelection, told: Taker["told"]) {
    this.stopped = stopped;
    this.selection = selection;
    this.told = told;
  }

  /** What is to be done with an instance; undefined, with the reason told, if nothing is. */
  take(host: HostName, program: ProgramName, snapshot: ProcessSnapshot): PlannedInstance | undefined {
    const { instance, state, pid, description } = snapshot;
    const taken = this.taken.get(host) ?? new Set();
    if (taken.has(instance)) return undefined;
    this.taken.set(host, taken.add(instance));
    this.programs.add(programOf(instance));
    const fate = this.selection.past?.fates.get(host)?.get(instance);
    if (fate) return this.settled(fate, host, program, snapshot);
    const why = this.whySkipped(host, snapshot);
    if (why !== undefined) {
      this.skipped.push({ host, program, instance, why });
      return undefined;
    }
    if (state === "UNKNOWN") {
      this.told.refusals.push({ code: "unknown_state", host, reason: `${instance} is UNKNOWN` });
      return undefined;
    }
    const isOnNothing = state === "RUNNING" && !isRunning(snapshot);
    if (WARNED_OF.has(state) || isOnNothing) {
      const words = isOnNothing ? RUNNING_ON_NOTHING : description === undefined ? state : `${state} (${description})`;
      this.told.warnings.push({ host, instance, message: `it is ${words} already; it will be restarted all the same` });
    }
    const before = pid === undefined ? { state } : { state, pid };
    return { instance, program, before, action: state === "STOPPED" ? "start" : "restart" };
  }

  /** Whether something is done with it, or it is named as skipped. */
  hasTaken(host: HostName, instance: InstanceName): boolean {
    return this.taken.get(host)?.has(instance) ?? false;
  }

  private whySkipped(host: HostName, snapshot: ProcessSnapshot): string | undefined {
    const { past, startedBefore } = this.selection;
    const excluded = past && whyNotPlanned(past, host, snapshot.instance);
    const later = startedBefore && startedLater(snapshot, startedBefore);
    // A supervisord that was restarted since has not started it again: nobody has stopped it.
    const isLeftDown = past !== undefined && isNotStarted(snapshot) && wasUp(past, host, snapshot.instance);
    const isLeft = snapshot.state === "STOPPED" && this.stopped === "skip" && !isLeftDown;
    return excluded ?? later ?? (isLeft ? "it was STOPPED before the rollout" : undefined);
  }

  /** What is to be done with an instance that the rollout which is resumed has restarted. */
  private settled(
    fate: PastFate,
    host: HostName,
    program: ProgramName,
    snapshot: ProcessSnapshot,
  ): PlannedInstance | undefined {
    const { instance, state, pid } = snapshot;
    const settled = settle(fate, snapshot);
    if (settled.action !== "nothing")
      return { instance, program, before: { state, ...(pid === undefined ? {} : { pid }) }, ...settled };
    this.skipped.push({ host, program, instance, why: "it was restarted before and is healthy" });
    if (pid !== undefined) this.proven.push({ host, instance, pid });
    return undefined;
  }
}
