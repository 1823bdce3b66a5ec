import type { Answer, Outcome, RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName } from "../../src/domain/ids.ts";
import type {
  ChangeOutcome,
  CheckOutcome,
  HookOutcome,
  LookOutcome,
  SettleOutcome,
} from "../../src/domain/outcomes.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { Machine } from "../../src/rollout/machine.ts";
import type { Command, Input } from "../../src/rollout/messages.ts";
import type { SimFleet } from "./sim-fleet.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How long one look takes: what an exec of supervisorctl does. */
const LOOK_MS = 150;
/** After this long a look at a supervisord that hangs is given up. */
const LOOK_TIMEOUT_MS = 60_000;
/** How long it takes until a connection that is gone is noticed. */
const KEEPALIVE_MS = 2000;

const HOOK_MS = 200;
/** To connect again and take the lock. */
const SETTLE_MS = 300;
const SETTLE_RETRY_MS = 5000;
/** For so long a resume waits for the lock of the rollout that was killed. */
const LONGEST_LOCK_MS = 3_600_000;
const passes = (): CheckOutcome => ({ kind: "passed" });
const arrives = (): ChangeFate => ({ kind: "arrives" });
const succeeds = (): HookOutcome => ({ kind: "succeeded" });

export interface Simulated {
  readonly outcome: Outcome | undefined;
  readonly events: readonly (RecordedEvent & { readonly atMs: number })[];
  /** How many of them were kept for certain when the last change was sent. */
  readonly durable: number;
  /** Instances to which a change was sent while another still acted on them. */
  readonly doubled: readonly string[];
  /** A command of it can still act, and nobody waits for a lock for ever. */
  readonly isLocked: boolean;
}

type Change = Extract<Command, { type: "change" }>;

export type ChangeFate =
  | { readonly kind: "arrives" }
  /** The connection is known to be gone: nothing is sent. */
  | { readonly kind: "not_sent" }
  /** Sent and never arrived; the loss is noticed after this time. */
  | { readonly kind: "lost_on_the_way"; readonly afterMs: number }
  /** It is carried out, but the connection is lost after this time, before its answer. */
  | { readonly kind: "lost_under_way"; readonly afterMs: number }
  /** It is carried out and answered, and then the host cannot be reached for so long. */
  | { readonly kind: "lost_after"; readonly forMs: number };

export interface SimulateOptions {
  /** Called with each event as it happens, and a way to tell the machine something. */
  readonly onEvent?: (event: RolloutEvent, tell: (input: Input) => void) => void;
  /** What a check finds; default: it passes. */
  readonly onCheck?: (command: Extract<Command, { type: "check" }>) => CheckOutcome;
  /** How a hook ends; default: well. */
  readonly onHook?: (command: Extract<Command, { type: "run_hook" }>) => HookOutcome;
  /** What becomes of a restart on its way; default: it arrives, and so does its answer. */
  readonly onChange?: (command: Change) => ChangeFate;
  /** What is found out about a lost restart once it can act no more; default: that. */
  readonly onSettle?: () => SettleOutcome;
  /** What the operator does about a failure, and after how long; default: there is no operator. Undefined: nothing. */
  readonly onQuestion?: (
    answers: readonly Answer[],
  ) => { readonly answer: Answer; readonly afterMs: number } | undefined;
  /** How long the next look takes. */
  readonly lookMs?: () => number;
  /** Why the journal cannot be written now; default: it can. */
  readonly journalProblem?: () => string | undefined;
  /** By how much the wall clock is off now: it may jump either way. */
  readonly clockOffMs?: () => number;
  /** The controller is killed right after the event with this number, before anything that follows from it is done. */
  readonly killAfterEvent?: number;
  /** False: only counts, for fleets whose events would fill the memory. */
  readonly keepEvents?: boolean;
}

/** Runs a rollout through the real machine over a simulated fleet, in virtual time. */
export function simulate(
  rollout: Rollout,
  fleet: SimFleet,
  time: VirtualTime,
  {
    onEvent,
    onCheck = passes,
    onHook = succeeds,
    onChange = arrives,
    onSettle = () => ({ kind: "settled" }),
    onQuestion,
    lookMs,
    journalProblem,
    clockOffMs,
    killAfterEvent = Infinity,
    keepEvents = true,
  }: SimulateOptions = {},
): Simulated {
  const machine = new Machine(rollout, { asks: onQuestion !== undefined });
  const events: (RecordedEvent & { atMs: number })[] = [];
  const wakes = new Map<HostName | undefined, { cancel(): void }>();
  let outcome: Outcome | undefined;
  let question: { cancel(): void } | undefined;
  let durable = 0;
  /** Changes that somebody waits for, with what tells that their connection is lost. */
  const awaited = new Map<HostName, Set<() => void>>();
  fleet.onLost = (host) => {
    for (const lose of awaited.get(host) ?? []) time.after(KEEPALIVE_MS, lose);
  };
  const clock = {
    monotonicMs: () => time.now,
    now: () => new Date(Date.UTC(2026, 10, 22, 10) + time.now + (clockOffMs?.() ?? 0)),
    wakeAt: (atMs: number, callback: () => void) => time.at(atMs, callback),
  };
  const view = {
    show: (event: RecordedEvent) => void events.push({ ...event, atMs: time.now }),
    end: () => Promise.resolve(),
  };
  const recorder = new Recorder(rollout.id, clock, [view]);

  let told = 0;
  /** `underWay`: commands that act on the fleet, whether or not anybody still waits for them. */
  const controller = { killed: false, underWay: 0 };
  /** Restarts on a host that can still act, and who waits for their end: the lock is free only then. */
  const acting = new Map<HostName, number>();
  const settling = new Map<HostName, (() => void)[]>();
  const actingOn = new Set<string>();
  const doubled: string[] = [];
  const begins = (host: HostName) => acting.set(host, (acting.get(host) ?? 0) + 1);
  const ends = (host: HostName) => {
    acting.set(host, (acting.get(host) ?? 0) - 1);
    if (acting.get(host) === 0) for (const settled of settling.get(host)?.splice(0) ?? []) settled();
  };
  const tell = (input: Input): void => {
    if (controller.killed) return;
    for (const command of machine.handle(input, time.now)) carryOut(command);
  };
  const carryOut = (command: Command): void => {
    if (controller.killed) return;
    switch (command.type) {
      case "emit":
        if (keepEvents) recorder.record(command.event);
        onEvent?.(command.event, (input) => time.after(0, () => tell(input)));
        controller.killed = ++told >= killAfterEvent;
        break;
      case "look":
        time.after(lookMs?.() ?? LOOK_MS, () => look(command.host));
        break;
      case "change":
        change(command);
        break;
      case "settle":
        settle(command);
        break;
      case "check":
        time.after(LOOK_MS, () => tell({ ...command, type: "checked", outcome: onCheck(command) }));
        break;
      case "run_hook": {
        const ended = onHook(command);
        time.after(HOOK_MS, () => tell({ ...command, type: "hook_finished", outcome: ended }));
        break;
      }
      case "ask":
        question?.cancel();
        question = ask(command);
        break;
      case "withdraw_question":
        question?.cancel();
        break;
      case "read_log":
        time.after(LOOK_MS, () => tell({ ...command, type: "log_read", text: "the end of its log" }));
        break;
      case "wake":
        wakes.get(command.host)?.cancel();
        wakes.set(
          command.host,
          time.at(command.atMs, () =>
            tell(command.host === undefined ? { type: "woken" } : { type: "woken", host: command.host }),
          ),
        );
        break;
      case "end":
        outcome = command.outcome;
    }
  };

  const ask = (command: Extract<Command, { type: "ask" }>) => {
    if (command.about === "pause") return time.after(0, () => tell({ type: "answered", goOn: true }));
    const wish = onQuestion?.(command.answers);
    return wish && time.after(wish.afterMs, () => tell({ type: "decided", answer: wish.answer }));
  };

  /** A host that cannot be reached is tried again until it can. */
  const settle = (command: Extract<Command, { type: "settle" }>): void => {
    const { host } = command;
    const settled = () => {
      if (controller.killed) return;
      if (fleet.unreachable.has(host)) time.after(SETTLE_RETRY_MS, settled);
      else tell({ ...command, type: "settled", outcome: onSettle() });
    };
    const free = () => void time.after(SETTLE_MS, settled);
    if ((acting.get(host) ?? 0) === 0) free();
    else settling.set(host, [...(settling.get(host) ?? []), free]);
  };

  const look = (host: HostName): void => {
    const answer = (seen: LookOutcome) => tell({ type: "looked", host, outcome: seen });
    const gaveUp: LookOutcome = { kind: "unreachable", reason: "no answer in time" };
    if (fleet.isHung(host)) time.after(LOOK_TIMEOUT_MS, () => answer(gaveUp));
    else answer(fleet.look(host));
  };

  /** As the executor does it: what is told must be kept before it is done. */
  const change = (command: Change): void => {
    const { host } = command;
    const answer = (result: ChangeOutcome) => tell({ ...command, type: "changed", outcome: result });
    const problem = journalProblem?.();
    if (problem !== undefined) time.after(0, () => tell({ type: "journal_failed", reason: problem }));
    else durable = events.length;
    const fate: ChangeFate =
      problem !== undefined || fleet.unreachable.has(host) ? { kind: "not_sent" } : onChange(command);
    if (fate.kind === "not_sent") {
      time.after(0, () => answer({ kind: "not_sent", reason: problem ?? "no connection" }));
      return;
    }
    const ofHost = awaited.get(host) ?? new Set();
    awaited.set(host, ofHost);
    const lose = () => {
      if (ofHost.delete(lose)) answer({ kind: "indeterminate", reason: "the connection was lost" });
    };
    ofHost.add(lose);
    if (fate.kind === "lost_on_the_way" || fate.kind === "lost_under_way") time.after(fate.afterMs, lose);
    if (fate.kind === "lost_on_the_way") return;
    controller.underWay++;
    begins(host);
    const key = `${host} ${command.instance}`;
    if (actingOn.has(key)) doubled.push(key);
    actingOn.add(key);
    const done = (said: string) => {
      controller.underWay--;
      ends(host);
      actingOn.delete(key);
      if (fate.kind === "lost_under_way" || fleet.unreachable.has(host)) return;
      if (ofHost.delete(lose)) time.after(0, () => answer({ kind: "returned", said }));
      if (fate.kind !== "lost_after") return;
      fleet.lose(host);
      time.after(fate.forMs, () => fleet.unreachable.delete(host));
    };
    fleet.change(command.action, host, command.instance, done);
  };

  tell({ type: "begin" });
  time.run(() => outcome !== undefined || controller.killed);
  // The lock of a killed controller is free only when none of its commands can act any more.
  const waitUntilMs = time.now + LONGEST_LOCK_MS;
  if (controller.killed && controller.underWay > 0) time.run(() => controller.underWay === 0 || time.now > waitUntilMs);
  return { outcome, events, durable, doubled, isLocked: controller.underWay > 0 };
}
