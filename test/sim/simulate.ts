import type { Outcome, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName } from "../../src/domain/ids.ts";
import type { ChangeOutcome, CheckOutcome, HookOutcome } from "../../src/domain/outcomes.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { Machine } from "../../src/rollout/machine.ts";
import type { Command, Input } from "../../src/rollout/messages.ts";
import type { SimFleet } from "./sim-fleet.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How long one look takes: what an exec of supervisorctl does. */
const LOOK_MS = 150;

const HOOK_MS = 200;

/** To connect again and take the lock. */
const SETTLE_MS = 300;
const passes = (): CheckOutcome => ({ kind: "passed" });
const arrives = (): ChangeFate => ({ kind: "arrives" });
const succeeds = (): HookOutcome => ({ kind: "succeeded" });

export interface Simulated {
  readonly outcome: Outcome | undefined;
  readonly events: readonly (RolloutEvent & { readonly atMs: number })[];
}

type Change = Extract<Command, { type: "change" }>;

export type ChangeFate =
  | { readonly kind: "arrives" }
  /** The connection is known to be gone: nothing is sent. */
  | { readonly kind: "not_sent" }
  /** Sent and never arrived; the loss is noticed after this time. */
  | { readonly kind: "lost_on_the_way"; readonly afterMs: number }
  /** It is carried out, but the connection is lost after this time, before its answer. */
  | { readonly kind: "lost_under_way"; readonly afterMs: number };

export interface SimulateOptions {
  /** Called with each event as it happens, and a way to tell the machine something. */
  readonly onEvent?: (event: RolloutEvent, tell: (input: Input) => void) => void;
  /** What a check finds; default: it passes. */
  readonly onCheck?: (command: Extract<Command, { type: "check" }>) => CheckOutcome;
  /** How a hook ends; default: well. */
  readonly onHook?: (command: Extract<Command, { type: "run_hook" }>) => HookOutcome;
  /** What becomes of a restart on its way; default: it arrives, and so does its answer. */
  readonly onChange?: (command: Change) => ChangeFate;
  /** How long the next look takes. */
  readonly lookMs?: () => number;
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
    lookMs,
    killAfterEvent = Infinity,
    keepEvents = true,
  }: SimulateOptions = {},
): Simulated {
  const machine = new Machine(rollout);
  const events: (RolloutEvent & { atMs: number })[] = [];
  const wakes = new Map<HostName | undefined, { cancel(): void }>();
  let outcome: Outcome | undefined;

  let told = 0;
  /** `underWay`: commands that act on the fleet, whether or not anybody still waits for them. */
  const controller = { killed: false, underWay: 0 };
  /** Restarts on a host that can still act, and who waits for their end: the lock is free only then. */
  const acting = new Map<HostName, number>();
  const settling = new Map<HostName, (() => void)[]>();
  const begins = (host: HostName) => acting.set(host, (acting.get(host) ?? 0) + 1);
  const ends = (host: HostName) => {
    acting.set(host, (acting.get(host) ?? 0) - 1);
    if (acting.get(host) === 0) for (const settle of settling.get(host)?.splice(0) ?? []) settle();
  };
  const tell = (input: Input): void => {
    if (controller.killed) return;
    for (const command of machine.handle(input, time.now)) carryOut(command);
  };
  const carryOut = (command: Command): void => {
    if (controller.killed) return;
    switch (command.type) {
      case "emit":
        if (keepEvents) events.push({ ...command.event, atMs: time.now });
        onEvent?.(command.event, (input) => time.after(0, () => tell(input)));
        controller.killed = ++told >= killAfterEvent;
        break;
      case "look":
        time.after(lookMs?.() ?? LOOK_MS, () =>
          tell({ type: "looked", host: command.host, outcome: fleet.look(command.host) }),
        );
        break;
      case "change":
        change(command, onChange(command));
        break;
      case "settle": {
        const settle = () =>
          time.after(SETTLE_MS, () => tell({ ...command, type: "settled", outcome: { kind: "settled" } }));
        if ((acting.get(command.host) ?? 0) === 0) settle();
        else settling.set(command.host, [...(settling.get(command.host) ?? []), settle]);
        break;
      }
      case "check":
        time.after(LOOK_MS, () => tell({ ...command, type: "checked", outcome: onCheck(command) }));
        break;
      case "run_hook":
        time.after(HOOK_MS, () => tell({ ...command, type: "hook_finished", outcome: onHook(command) }));
        break;
      case "ask":
        time.after(0, () => tell({ type: "answered", goOn: true }));
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

  const change = (command: Change, fate: ChangeFate): void => {
    const tellOutcome = (result: ChangeOutcome) => tell({ ...command, type: "changed", outcome: result });
    const lost: ChangeOutcome = { kind: "indeterminate", reason: "the connection was lost" };
    if (fate.kind === "not_sent") time.after(0, () => tellOutcome({ kind: "not_sent", reason: "no connection" }));
    if (fate.kind === "lost_on_the_way") time.after(fate.afterMs, () => tellOutcome(lost));
    if (fate.kind === "not_sent" || fate.kind === "lost_on_the_way") return;
    const isLost = fate.kind === "lost_under_way";
    if (isLost) time.after(fate.afterMs, () => tellOutcome(lost));
    controller.underWay++;
    begins(command.host);
    const done = (said: string) => {
      controller.underWay--;
      ends(command.host);
      if (!isLost) time.after(0, () => tellOutcome({ kind: "returned", said }));
    };
    fleet.process(command.host, command.instance)[command.action](done);
  };

  tell({ type: "begin" });
  time.run(() => outcome !== undefined || controller.killed);
  // The lock of a killed controller is free only when none of its commands can act any more.
  if (controller.killed && controller.underWay > 0) time.run(() => controller.underWay === 0);
  return { outcome, events };
}
