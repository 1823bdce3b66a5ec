import type { InstanceName } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { isDownAlready, type HostWork, type PlannedInstance } from "../domain/rollout.ts";
import type { HookName } from "../domain/settings.ts";
import { actionOf, type Action } from "./actions.ts";
import type { Shortage } from "./capacity.ts";
import type { InstanceId, Proof } from "./outcome-recorder.ts";
import type { RunContext } from "./run-context.ts";

/** The instances of a group that its update takes down together. */
export interface UpdatedTogether {
  readonly instances: readonly InstanceName[];
  /** Those of them that count as up before it. */
  readonly taken: readonly InstanceName[];
}

/** With what the turn of an instance starts. */
export interface TurnStart {
  readonly planned: PlannedInstance;
  readonly work: HostWork;
  readonly context: RunContext;
  /** Called when the instance needs a look at its host. The earliest request counts, until that look. */
  readonly lookAt: (atMs: number) => void;
  /** If its group is updated. */
  readonly update?: UpdatedTogether | undefined;
}

/** What the parts of one instance's run share: the instance, and what its turn has made of it so far. */
export class InstanceTurn {
  readonly planned: PlannedInstance;
  readonly work: HostWork;
  readonly context: RunContext;
  /** Asks for a look at its host. The earliest request counts, until that look. */
  readonly lookAt: (atMs: number) => void;
  /** It was healthy and failed later. Others may have brought it up since. */
  readonly hasRegressed: boolean;
  /** The before_restart hook ran, the after_healthy hook did not. */
  drained = false;
  /** It failed after its restart was sent, so that its state is our doing and it counts as down. */
  isBroken = false;
  /** It was only to be checked, and still is the process that an earlier rollout was to restart. */
  isAsItWas = false;
  /** A restart of it was sent that has not returned, and may still act. */
  mayStillAct = false;
  /** How it has passed its gate. */
  proof: Proof | undefined;
  /** The update of its group, until that is done. */
  update: UpdatedTogether | undefined;
  /** What the last look at it showed. */
  seen: ProcessSnapshot | undefined;

  constructor({ planned, work, context, lookAt, update }: TurnStart) {
    this.planned = planned;
    this.work = work;
    this.context = context;
    this.lookAt = lookAt;
    this.update = update;
    this.hasRegressed = context.failures.hasRegressed(work.host, planned.instance);
  }

  get id(): InstanceId {
    return { host: this.work.host, program: this.planned.program, instance: this.planned.instance };
  }

  /** This rollout broke it, or the ones that it resumes. */
  get isDown(): boolean {
    return this.isBroken || (isDownAlready(this.planned) && !this.hasRegressed);
  }

  /** It is tried again, so that its state is our doing and not another user's wish. */
  get isOurs(): boolean {
    return this.isBroken || this.hasRegressed;
  }

  /** It has failed and is retried: its failure counts until it has another outcome. */
  get isRetried(): boolean {
    return this.context.failures.isRetried(this.work.host, this.planned.instance);
  }

  /** An earlier rollout has restarted it, and that has not failed yet. */
  get isOnlyGated(): boolean {
    return this.planned.action === "gate" && !this.isOurs && !this.isAsItWas;
  }

  /** It had ended before the rollout, and may do so again. */
  get mayComplete(): boolean {
    return this.planned.may_complete === true;
  }

  /** It, and what goes down with it. */
  get together(): readonly InstanceName[] {
    return this.update?.instances ?? [this.planned.instance];
  }

  /** The action for it now. */
  get action(): Action {
    return actionOf(this.planned, this.update !== undefined);
  }

  /** Set where its program cannot spare it now, with all that goes down with it. */
  get shortage(): Shortage | undefined {
    // A broken instance counts as down already, so that restarting it takes nothing away. But its group may be up.
    const taken = this.update?.taken ?? (this.isDown ? [] : [this.planned.instance]);
    return taken.length === 0 ? undefined : this.context.capacity.shortage(this.work.host, taken);
  }

  giveBackCapacity(nowMs: number): void {
    this.context.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
  }

  /** What belongs to the reason of its failure, and came late. */
  addToReason(more: string): void {
    this.context.failures.addToReason(this.work.host, this.planned.instance, more);
  }

  /** False if the plan has no such hook. */
  runHook(
    hook: Extract<HookName, "before_restart" | "after_healthy">,
    pids: { readonly pid?: number | undefined; readonly previousPid?: number | undefined },
  ): boolean {
    const { host, vars, timings, hooks } = this.work;
    const command = hooks[hook];
    if (!command) return false;
    this.context.issue({
      type: "run_hook",
      hook,
      command,
      timeoutMs: command.timeout_ms ?? timings.command_timeout_ms,
      host,
      instance: this.planned.instance,
      vars,
      ...(pids.pid !== undefined && { pid: pids.pid }),
      ...(pids.previousPid !== undefined && { previousPid: pids.previousPid }),
    });
    return true;
  }
}
