import type { Answer, RolloutEvent } from "../domain/events.ts";
import { INSTANCE_FAILURES, type InstanceFailureCode } from "../domain/failures.ts";
import { type HostName, type InstanceName, type ProgramName, keyOf, type InstanceKey } from "../domain/ids.ts";
import type { LogTail, LookOutcome } from "../domain/outcomes.ts";
import type { ProcessState } from "../domain/process-state.ts";
import type { WavePlace } from "../domain/rollout.ts";
import type { WaveHooks } from "../domain/settings.ts";
import { placeText } from "../domain/wave-hooks.ts";
import type { Command } from "./messages.ts";
import type { Consequence, Tally } from "./tally.ts";

export interface InstanceFailure {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
  readonly code: InstanceFailureCode;
  readonly reason: string;
  /** Supervisor's log calls the end of its process expected: `exit status 0`. */
  readonly expectedExit?: string;
  /** What the last look at it showed, if one did. */
  readonly state?: ProcessState;
  readonly seconds: number;
  readonly stillDrained: boolean;
  /** It had been healthy after its restart: its turn is over. */
  readonly wasProven?: true;
  /** It was restarted by an earlier rollout, and this one has no work for it. */
  readonly isOfEarlierRollout?: boolean;
  /** Others of the host that fail with it, and for the same reason: one failure, reported and asked about once. */
  readonly also?: readonly InstanceName[];
}

/** A hook of a wave or of a batch has failed. */
export interface StepHookFailure {
  readonly step: WavePlace;
  readonly hook: keyof WaveHooks;
  readonly code: "hook_failed";
  readonly reason: string;
}

/** A hook of a host has failed. */
export interface HostHookFailure {
  readonly host: HostName;
  readonly hook: "before_host" | "after_host";
  readonly code: "hook_failed";
  readonly reason: string;
}

type Failure = InstanceFailure | HostHookFailure | StepHookFailure;

/** Two turns of supervisord's loop, one to notify the listener and one to handle its signal, and a second to spare. */
const AFTERMATH_MS = 3000;

interface Unreported {
  failure: InstanceFailure;
  consequence: Consequence;
  /** The host is looked at then, and the failure is reported after that; undefined once that look has come back. */
  lookAtMs: number | undefined;
  isLookSent: boolean;
  log: LogTail | undefined;
}

/** Called once nothing more is pending: whether the operator has chosen to retry, or the failure stands. */
export type OnFailureEnd = (failure: Failure, isRetried: boolean) => void;

/**
 * Handles a failure from its count to its report: reads the end of the log, emits the event, and where the limit is exceeded
 * halts the rollout or asks the operator, about one failure after the other.
 */
export class Failures {
  private readonly tally: Tally;
  private readonly issue: (command: Command) => void;
  private readonly onEnd: OnFailureEnd;
  private readonly nowMs: () => number;
  /** Counted and not yet reported: the end of their log is pending, or the look that shows whether supervisord ends with them. */
  private readonly unreported = new Map<InstanceKey, Unreported>();
  /** Reported, and waiting for the operator's answer. The question is about the first. */
  private questions: Failure[] = [];
  /**
   * What the operator has chosen to retry. Its failure counts until it has another outcome; one of several instances
   * until all of them have.
   */
  private readonly retried = new Map<
    InstanceKey,
    { readonly failure: InstanceFailure; readonly open: Set<InstanceKey> }
  >();

  constructor(tally: Tally, issue: (command: Command) => void, onEnd: OnFailureEnd, nowMs: () => number) {
    this.tally = tally;
    this.nowMs = nowMs;
    this.issue = issue;
    this.onEnd = onEnd;
  }

  /** True while a log or an answer is awaited. */
  get isBusy(): boolean {
    return this.unreported.size + this.questions.length > 0;
  }

  /** The operator has chosen to retry it, and it has no other outcome yet. */
  isRetried(host: HostName, instance: InstanceName): boolean {
    return this.retried.has(keyOf({ host, instance }));
  }

  /** Likewise, and it had been healthy before it failed. */
  hasRegressed(host: HostName, instance: InstanceName): boolean {
    return this.retried.get(keyOf({ host, instance }))?.failure.wasProven === true;
  }

  /** Counts at once, so that nothing more starts while the log is being read. */
  addInstance(failure: InstanceFailure): void {
    const { host, instance, code } = failure;
    const consequence = this.tally.addFailure(code, placed(failure));
    // An event listener may end supervisord because of it.
    const lookAtMs = INSTANCE_FAILURES[code].process === "ended" ? this.nowMs() + AFTERMATH_MS : undefined;
    this.unreported.set(keyOf({ host, instance }), {
      failure,
      consequence,
      lookAtMs,
      isLookSent: false,
      log: undefined,
    });
    this.issue({ type: "read_log", host, instance });
  }

  addHook(failure: HostHookFailure | StepHookFailure): void {
    this.follow(failure, this.tally.addFailure(failure.code, placed(failure)));
  }

  logRead(host: HostName, instance: InstanceName, log: LogTail): void {
    const unreported = this.unreported.get(keyOf({ host, instance }));
    if (!unreported) return;
    unreported.log = log;
    this.reportKnown();
  }

  /** Part of the reason that came late: what supervisorctl said, or what its old process has left behind. */
  addToReason(host: HostName, instance: InstanceName, more: string): void {
    const unreported = this.unreported.get(keyOf({ host, instance }));
    if (unreported) unreported.failure = withReason(unreported.failure, more);
  }

  /** When the next host is due to be looked at once more. */
  get lookAtMs(): number {
    let atMs = Infinity;
    for (const unreported of this.unreported.values())
      if (!unreported.isLookSent) atMs = Math.min(atMs, unreported.lookAtMs ?? Infinity);
    return atMs;
  }

  /** The hosts that are due, each once. */
  hostsDue(): Set<HostName> {
    const due = [...this.unreported.values()].filter(
      ({ lookAtMs = Infinity, isLookSent }) => !isLookSent && lookAtMs <= this.nowMs(),
    );
    for (const unreported of due) unreported.isLookSent = true;
    return new Set(due.map(({ failure }) => failure.host));
  }

  /** A look at the host has come back. */
  looked(host: HostName, outcome: LookOutcome, issuedAtMs: number): void {
    const hasEnded = outcome.kind === "unavailable" && outcome.hasEnded;
    for (const unreported of this.unreported.values()) {
      if (unreported.failure.host !== host || unreported.lookAtMs === undefined) continue;
      if (hasEnded) unreported.failure = endedWith(unreported.failure, outcome.reason);
      if (hasEnded || issuedAtMs >= unreported.lookAtMs) unreported.lookAtMs = undefined;
    }
    this.reportKnown();
  }

  /** Of each host in the order in which they were counted, so that what caused others comes before them. */
  private reportKnown(): void {
    const waiting = new Set<HostName>();
    for (const { failure, consequence, lookAtMs, log } of [...this.unreported.values()]) {
      const { host, program, instance, code, reason, state, seconds, stillDrained, also, expectedExit } = failure;
      if (log === undefined || lookAtMs !== undefined) waiting.add(host);
      if (log === undefined || waiting.has(host)) continue;
      this.unreported.delete(keyOf({ host, instance }));
      const more = {
        ...(stillDrained && { still_drained: true }),
        ...(also && { also }),
        ...(expectedExit !== undefined && { expected_exit: expectedExit }),
      };
      const id = { host, program, instance };
      const { text: log_tail, log: which, stdout: stdout_tail } = log;
      const logs = { log_tail, ...(which && { log: which }), ...(stdout_tail !== undefined && { stdout_tail }) };
      const seen = state === undefined ? {} : { state };
      this.emit({ type: "instance.failed", ...id, code, reason, ...seen, seconds, ...logs, ...more });
      this.follow(failure, consequence);
    }
  }

  /** The operator has answered the question that is open. */
  decided(answer: Answer): void {
    const failure = this.questions.shift();
    if (!failure) return;
    this.tally.addAnswer();
    this.emit({ type: "rollout.answered", ...subjectOf(failure), answer });
    if (answer === "stop" && this.tally.halt(failure.code, placed(failure))) this.reportHalt(failure);
    if (answer === "retry" && "instance" in failure) {
      const open = new Set(
        [failure.instance, ...(failure.also ?? [])].map((instance) => keyOf({ host: failure.host, instance })),
      );
      for (const key of [...open]) this.retried.set(key, { failure, open });
    }
    this.onEnd(failure, answer === "retry");
    this.askNext();
  }

  /** An instance has another outcome: where it was retried, that takes the place of its failure. */
  replaced(key: InstanceKey): void {
    const retried = this.retried.get(key);
    if (!retried) return;
    this.retried.delete(key);
    retried.open.delete(key);
    if (retried.open.size === 0) this.tally.retractFailure();
  }

  /** The rollout ends. An instance that was to be retried, and was not before the interrupt, has failed after all. */
  haltForUntried(): void {
    const [{ failure } = {}] = this.retried.values();
    if (failure && this.tally.stop && this.tally.halt(failure.code, placed(failure))) this.reportHalt(failure);
  }

  /** The rollout stops: no more questions. A failure whose question is open halts the rollout now. */
  stopAsking(): void {
    const asked = this.questions;
    const [unreported] = [...this.unreported.values()].filter(({ consequence }) => consequence === "asks");
    this.questions = [];
    for (const unread of this.unreported.values()) if (unread.consequence === "asks") unread.consequence = "stands";
    const [first] = asked;
    if (first) {
      this.issue({ type: "withdraw_question" });
      if (this.tally.halt(first.code, placed(first))) this.reportHalt(first);
    } else if (unreported && this.tally.halt(unreported.failure.code, placed(unreported.failure)))
      unreported.consequence = "halts";
    for (const failure of asked) this.onEnd(failure, false);
  }

  /** The operator leaves: every counted failure is reported, with or without its log. */
  abandon(): void {
    this.stopAsking();
    for (const unreported of this.unreported.values()) {
      unreported.log ??= { text: "(the operator left before its log was read)" };
      unreported.lookAtMs = undefined;
    }
    this.reportKnown();
  }

  private follow(failure: Failure, consequence: Consequence): void {
    if (consequence === "asks") {
      this.questions.push(failure);
      if (this.questions.length === 1) this.askNext();
      return;
    }
    if (consequence === "halts") this.reportHalt(failure);
    this.onEnd(failure, false);
  }

  private askNext(): void {
    const [failure] = this.questions;
    if (!failure || this.tally.stop) return;
    const { code, reason } = failure;
    const isPlanned = !("isOfEarlierRollout" in failure && failure.isOfEarlierRollout);
    const answers: readonly Answer[] = isPlanned ? ["retry", "skip", "stop"] : ["skip", "stop"];
    this.emit({ type: "rollout.asking", ...subjectOf(failure), code, reason, answers });
    this.issue({ type: "ask", about: "failure", answers });
  }

  private reportHalt(failure: Failure): void {
    this.emit({ type: "rollout.halted", code: failure.code, reason: placed(failure) });
  }

  private emit(event: RolloutEvent): void {
    this.issue({ type: "emit", event });
  }
}

function withReason(failure: InstanceFailure, more: string): InstanceFailure {
  return { ...failure, reason: `${failure.reason}${more}` };
}

function endedWith(failure: InstanceFailure, why: string): InstanceFailure {
  const reason = `supervisord itself ended after this restart; everything on this host is down: ${why}; ${failure.reason}`;
  return { ...failure, code: "supervisor_ended", reason };
}

function subjectOf(failure: Failure) {
  if ("step" in failure) return failure.step;
  const { host } = failure;
  return "instance" in failure ? { host, program: failure.program, instance: failure.instance } : { host };
}

/** The reason with what it is about, for those who read nothing else. */
function placed(failure: Failure): string {
  if ("step" in failure) return `${placeText(failure.step)}: ${failure.reason}`;
  return `${failure.host}${"instance" in failure ? ` ${failure.instance}` : ""}: ${failure.reason}`;
}
