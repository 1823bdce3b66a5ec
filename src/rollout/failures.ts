import type { Answer, RolloutEvent } from "../domain/events.ts";
import type { InstanceFailureCode } from "../domain/failures.ts";
import type { HostName, InstanceName, ProgramName } from "../domain/ids.ts";
import type { ProcessState } from "../domain/process-state.ts";
import type { Command } from "./messages.ts";
import type { Consequence, Tally } from "./tally.ts";

export interface InstanceFailure {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
  readonly code: InstanceFailureCode;
  readonly reason: string;
  /** What the last look at it showed, if one did. */
  readonly state?: ProcessState;
  readonly seconds: number;
  readonly stillDrained: boolean;
  /** It was restarted by an earlier rollout, and this one has no work for it. */
  readonly isOfEarlierRollout?: boolean;
}

/** A hook of a host has failed. */
export interface HostHookFailure {
  readonly host: HostName;
  readonly hook: "before_host" | "after_host";
  readonly code: "hook_failed";
  readonly reason: string;
}

type Failure = InstanceFailure | HostHookFailure;

/** Told once nothing more is awaited: whether what failed is to be tried again, or its failure stands. */
export type OnFailureEnd = (failure: Failure, isTriedAgain: boolean) => void;

/**
 * Takes each failure from its count to its end: the end of the log is read, it is told, and where it is one too many
 * the rollout halts or the operator is asked, about one failure after the other.
 */
export class Failures {
  private readonly tally: Tally;
  private readonly issue: (command: Command) => void;
  private readonly onEnd: OnFailureEnd;
  /** Counted and not told yet: the end of their log is awaited. */
  private readonly unread = new Map<string, { readonly failure: InstanceFailure; consequence: Consequence }>();
  /** Told, and waiting for the operator's answer. The first is the one that is asked about. */
  private questions: Failure[] = [];
  /** What the operator wants tried again. Its failure counts until it has another fate. */
  private readonly retried = new Map<string, InstanceFailure>();

  constructor(tally: Tally, issue: (command: Command) => void, onEnd: OnFailureEnd) {
    this.tally = tally;
    this.issue = issue;
    this.onEnd = onEnd;
  }

  /** True while a log or an answer is awaited. */
  get isBusy(): boolean {
    return this.unread.size + this.questions.length > 0;
  }

  /** True for one that was healthy, failed later, and is tried again because the operator wants that. */
  hasRegressed(host: HostName, instance: InstanceName): boolean {
    return this.retried.get(`${host} ${instance}`)?.code === "regressed";
  }

  /** Counts at once, so that nothing further begins while the log is being read. */
  addInstance(failure: InstanceFailure, countedAs?: "healthy" | "skipped"): void {
    const { host, instance, code } = failure;
    const consequence = this.tally.addFailed(code, placed(failure), countedAs);
    this.unread.set(`${host} ${instance}`, { failure, consequence });
    this.issue({ type: "read_log", host, instance });
  }

  addHostHook(failure: HostHookFailure): void {
    this.follow(failure, this.tally.addFailure(failure.code, placed(failure)));
  }

  logRead(host: HostName, instance: InstanceName, text: string): void {
    const key = `${host} ${instance}`;
    const unread = this.unread.get(key);
    if (!unread) return;
    this.unread.delete(key);
    const { program, code, reason, state, seconds, stillDrained } = unread.failure;
    const seen = state === undefined ? {} : { state };
    const drained = stillDrained ? { still_drained: true } : {};
    const id = { host, program, instance };
    this.emit({ type: "instance.failed", ...id, code, reason, ...seen, seconds, log_tail: text, ...drained });
    this.follow(unread.failure, unread.consequence);
  }

  /** The operator has answered the question that is open. */
  decided(answer: Answer): void {
    const failure = this.questions.shift();
    if (!failure) return;
    this.tally.addAnswer();
    this.emit({ type: "rollout.answered", ...subjectOf(failure), answer });
    if (answer === "stop" && this.tally.halt(failure.code, placed(failure))) this.tellHalt(failure);
    if (answer === "retry" && "instance" in failure) this.retried.set(`${failure.host} ${failure.instance}`, failure);
    this.onEnd(failure, answer === "retry");
    this.askNext();
  }

  /** What was tried again has another fate, which takes the place of its failure. */
  retract(host: HostName, instance: InstanceName): void {
    this.retried.delete(`${host} ${instance}`);
    this.tally.retractFailed();
  }

  /** The rollout ends. What was to be tried again when it was interrupted, and never was, has failed on the way out. */
  haltForUntried(): void {
    const [failure] = this.retried.values();
    if (failure && this.tally.stop && this.tally.halt(failure.code, placed(failure))) this.tellHalt(failure);
  }

  /** The rollout stops: nobody is asked any more. What would have halted it but for the answer does so now. */
  stopAsking(): void {
    const told = this.questions;
    const [untold] = [...this.unread.values()].filter(({ consequence }) => consequence === "asks");
    this.questions = [];
    for (const unread of this.unread.values()) if (unread.consequence === "asks") unread.consequence = "stands";
    const [first] = told;
    if (first) {
      this.issue({ type: "withdraw_question" });
      if (this.tally.halt(first.code, placed(first))) this.tellHalt(first);
    } else if (untold && this.tally.halt(untold.failure.code, placed(untold.failure))) untold.consequence = "halts";
    for (const failure of told) this.onEnd(failure, false);
  }

  /** The operator leaves: what is counted is told, with what is known of it. */
  abandon(): void {
    this.stopAsking();
    for (const { failure } of [...this.unread.values()])
      this.logRead(failure.host, failure.instance, "the operator left before it was read");
  }

  private follow(failure: Failure, consequence: Consequence): void {
    if (consequence === "asks") {
      this.questions.push(failure);
      if (this.questions.length === 1) this.askNext();
      return;
    }
    if (consequence === "halts") this.tellHalt(failure);
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

  private tellHalt(failure: Failure): void {
    this.emit({ type: "rollout.halted", code: failure.code, reason: placed(failure) });
  }

  private emit(event: RolloutEvent): void {
    this.issue({ type: "emit", event });
  }
}

function subjectOf(failure: Failure) {
  const { host } = failure;
  return "instance" in failure ? { host, program: failure.program, instance: failure.instance } : { host };
}

/** The reason with what it is about, for those who read nothing else. */
function placed(failure: Failure): string {
  return `${failure.host}${"instance" in failure ? ` ${failure.instance}` : ""}: ${failure.reason}`;
}
