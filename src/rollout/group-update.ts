import type { RereadOutcome } from "../domain/fleet.ts";
import type { InstanceName, ProgramName } from "../domain/ids.ts";
import type { AwaitedOutcome, ChangeOutcome } from "../domain/outcomes.ts";
import { isDownAlready, type HostWork, type InstanceBatch } from "../domain/rollout.ts";
import type { UpdatedTogether } from "./instance-turn.ts";
import type { RunContext } from "./run-context.ts";

/** An instance of the group, which has its own way to the update and its own gate after it. */
export interface Member {
  readonly isOver: boolean;
  /** The last look has shown it as it must be, and it is drained: all that it waits for is the others. */
  readonly isReady: boolean;
  /** Neither over nor failed: what becomes of the update is of interest to it. */
  readonly isOpen: boolean;
  /** The last look has shown the process that it had when the update was sent. */
  readonly hasOldProcess: boolean;
  /** The update is about to be sent. @param takenDownSinceMs if it was sent before, and has stopped half way */
  updateStarts(nowMs: number, takenDownSinceMs: number | undefined): void;
  changed(outcome: ChangeOutcome, nowMs: number): void;
  /** The update that was lost has done all that it will do. */
  updateEnded(nowMs: number): void;
  /** It was lost half way, and cannot be completed. */
  updateFailed(why: string, nowMs: number): void;
  /** The group is not updated. */
  leaveOut(why: string, nowMs: number): void;
}

type Phase =
  /** The instances are reserved, drained, and looked at. */
  | { readonly name: "gathering" }
  | { readonly name: "sent" }
  /** It may still act. */
  | { readonly name: "lost" }
  /** It can no longer act: the configuration shows whether it is done. */
  | { readonly name: "rereading" }
  /** The configuration is still to be loaded: a look that was sent since shows whether anything was done. */
  | { readonly name: "judging"; readonly sinceMs: number }
  /** That could not be found out, or it could not be sent again: after the next look once more. */
  | { readonly name: "waiting"; readonly next: "reread" | "send" }
  | { readonly name: "over" };

/**
 * Updates one group of a host. Supervisor takes the whole group down, so its instances wait for each other, and one command
 * is sent for all of them. `update` continues where it was: one that was lost half way is sent again.
 */
export class GroupUpdate implements UpdatedTogether {
  readonly instances: readonly InstanceName[];
  readonly taken: readonly InstanceName[];
  private readonly group: ProgramName;
  private readonly work: HostWork;
  private readonly batch: InstanceBatch;
  private readonly context: RunContext;
  private readonly lookAt: (atMs: number) => void;
  private readonly members: Member[] = [];
  private phase: Phase = { name: "gathering" };
  /** Of one that has returned and has not said that it was done: supervisorctl's words. */
  private said: string | undefined;
  /** Since when it is known to have been lost half way. */
  private takenDownSinceMs: number | undefined;

  constructor(work: HostWork, batch: InstanceBatch, context: RunContext, lookAt: (atMs: number) => void) {
    this.work = work;
    this.batch = batch;
    this.group = batch.program;
    this.context = context;
    this.lookAt = lookAt;
    this.instances = batch.instances.map(({ instance }) => instance);
    this.taken = batch.instances.flatMap((planned) => (isDownAlready(planned) ? [] : [planned.instance]));
  }

  add(member: Member): void {
    this.members.push(member);
  }

  /** Sends it once all are ready. If one has failed before that, the others are left as they are. */
  proceed(nowMs: number): void {
    if (this.phase.name !== "gathering" || this.members.length < this.instances.length) return;
    const open = this.members.filter(({ isOver }) => !isOver);
    if (open.length < this.members.length) {
      this.phase = { name: "over" };
      for (const member of open)
        member.leaveOut(`${this.group} was not updated: another of its instances failed`, nowMs);
    } else if (open.every(({ isReady }) => isReady)) this.send(nowMs);
  }

  /** A look at the host has come back. */
  looked(issuedAtMs: number, nowMs: number): void {
    if (this.phase.name === "judging") return this.judge(this.phase.sinceMs, issuedAtMs, nowMs);
    if (this.phase.name !== "waiting") return;
    if (this.phase.next === "send") this.sendAgain("it could not be sent again", nowMs);
    else this.reread();
  }

  changed(outcome: ChangeOutcome, nowMs: number): void {
    switch (outcome.kind) {
      case "returned":
        // It may have stopped half way: what it has done shows in the configuration, and not in its words.
        if (outcome.isRefused) {
          this.said = outcome.said;
          return this.reread();
        }
        this.done();
        break;
      case "indeterminate":
        this.phase = { name: "lost" };
        this.context.issue({ type: "await_outcome", host: this.work.host, group: this.group });
        break;
      case "not_sent":
        if (this.takenDownSinceMs !== undefined) return this.wait("send", nowMs);
        this.phase = { name: "gathering" };
        break;
      case "lock_lost":
        this.phase = { name: "over" };
    }
    for (const member of this.members) member.changed(outcome, nowMs);
  }

  /** It can no longer act, or nothing can be known of it. */
  outcomeKnown(outcome: AwaitedOutcome): void {
    if (outcome.kind === "lock_lost") this.context.halt("lock_lost", outcome.reason);
    if (outcome.kind === "ended" && this.phase.name === "lost") this.reread();
  }

  rereadDone(outcome: RereadOutcome, nowMs: number): void {
    if (this.phase.name !== "rereading") return;
    if (outcome.kind === "unavailable") return this.wait("reread", nowMs);
    const change = outcome.kind === "read" ? outcome.groups.get(this.group) : undefined;
    if (change === "changed" || change === "available") {
      if (this.takenDownSinceMs !== undefined) return this.sendAgain(this.whyAgain, nowMs);
      this.phase = { name: "judging", sinceMs: nowMs };
      return this.lookAt(nowMs);
    }
    this.done();
    const said = outcome.kind === "invalid" ? outcome.reason : this.said;
    for (const member of this.members)
      if (said !== undefined) member.changed({ kind: "returned", said }, nowMs);
      else member.updateEnded(nowMs);
  }

  /** It can no longer act, and the group does not have its new configuration. */
  private judge(sinceMs: number, issuedAtMs: number, nowMs: number): void {
    if (issuedAtMs < sinceMs) return this.lookAt(nowMs);
    if (this.members.some(({ hasOldProcess }) => hasOldProcess)) {
      const { said } = this;
      this.phase = { name: said === undefined ? "gathering" : "over" };
      const outcome: ChangeOutcome =
        said === undefined
          ? { kind: "not_sent", reason: "the update was lost before it took effect" }
          : { kind: "returned", said };
      for (const member of this.members) member.changed(outcome, nowMs);
      return;
    }
    this.takenDownSinceMs = nowMs;
    this.sendAgain(this.whyAgain, nowMs);
  }

  private get whyAgain(): string {
    return this.said === undefined ? "it was lost again" : `supervisorctl did not finish it again: ${this.said}`;
  }

  /** For as long as an instance has time for it. One that is tried again later finds it where it was. */
  private sendAgain(why: string, nowMs: number): void {
    const { healthy_deadline_ms } = this.work.timings;
    const open = this.members.filter(({ isOpen }) => isOpen);
    if (open.length > 0 && nowMs - (this.takenDownSinceMs ?? nowMs) < healthy_deadline_ms) return this.send(nowMs);
    this.phase = { name: "waiting", next: "reread" };
    for (const member of open) member.updateFailed(why, nowMs);
  }

  private send(nowMs: number): void {
    const { host } = this.work;
    const { group, instances, batch } = this;
    const before = batch.instances.filter(({ is_new }) => !is_new).map(({ instance }) => instance);
    const after = batch.instances.filter(({ action }) => action === "update").map(({ instance }) => instance);
    this.phase = { name: "sent" };
    this.said = undefined;
    this.context.supervisors.updates(host, instances);
    this.context.emit({ type: "group.updating", host, program: group, before, after });
    for (const member of this.members) member.updateStarts(nowMs, this.takenDownSinceMs);
    this.context.issue({ type: "change", host, action: "update", group, instances });
  }

  private done(): void {
    this.phase = { name: "over" };
    this.context.emit({ type: "group.updated", host: this.work.host, program: this.group });
  }

  private reread(): void {
    this.phase = { name: "rereading" };
    this.context.issue({ type: "reread", host: this.work.host });
  }

  private wait(next: "reread" | "send", nowMs: number): void {
    this.phase = { name: "waiting", next };
    this.lookAt(nowMs + this.work.timings.between_checks_ms);
  }
}
