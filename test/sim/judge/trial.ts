import type { FleetReport } from "../../../src/domain/fleet.ts";
import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import { keyOf } from "../../../src/domain/ids.ts";
import type { CheckOutcome, HookOutcome, AwaitedOutcome } from "../../../src/domain/outcomes.ts";
import { worksOf, type PlannedInstance, type Rollout } from "../../../src/domain/rollout.ts";
import type { HostSettings } from "../../../src/planner/plan/plan.ts";
import type { Scenario } from "../scenario.ts";
import { settingsIn } from "./selects.ts";
import type { FedInput } from "../sim-controller.ts";
import type { SimProcess } from "../sim-process.ts";
import type { ChangeFate, SimChange, SimCheck, SimHook } from "../sim-world.ts";
import type { Simulated, SimulateOptions } from "../simulate.ts";

/** One rollout that is judged, with the world as it really is. */
export interface Trial {
  readonly made: Scenario;
  readonly rollout: Rollout;
  /** What preflight saw. */
  readonly report: FleetReport;
  /** Of a chain whose first rollout updates groups: its floors, which updates that have added instances do not raise. */
  readonly floorsAtFirst?: readonly { readonly of: string; readonly floor: number }[] | undefined;
  /** What was promised and not kept. */
  fail(what: string): void;
}

/** Judges one promise: by what the rollout says, and by what really happens. */
export interface Witness {
  see?(event: RolloutEvent): void;
  /** What becomes of a change that the rollout has sent. */
  sent?(change: SimChange, fate: ChangeFate): void;
  checked?(check: SimCheck, outcome: CheckOutcome): void;
  hooked?(hook: SimHook, outcome: HookOutcome): void;
  outcomeKnown?(outcome: AwaitedOutcome): void;
  /** What comes to the rollout from outside. */
  fed?(input: FedInput): void;
  /** After its end, unless the controller was killed. */
  end?(run: Simulated): void;
}

export type InstanceEvent = Extract<RolloutEvent, { type: `instance.${string}` }>;

/** Whom a failure is about: several of a host may fail as one. */
export function failedIn({ host, instance, also = [] }: EventOf<"instance.failed">): string[] {
  return [instance, ...also].map((each) => keyOf({ host, instance: each }));
}

export function processOf({ made }: Trial, event: Pick<InstanceEvent, "host" | "instance">): SimProcess | undefined {
  return made.fleet.hosts.get(event.host)?.get(event.instance);
}

/** What is planned for an instance. */
export function plannedIn(
  { rollout }: Pick<Trial, "rollout">,
  { host, instance }: Pick<InstanceEvent, "host" | "instance">,
): PlannedInstance | undefined {
  for (const work of worksOf(rollout))
    for (const { instances } of work.host === host ? work.batches : []) {
      const planned = instances.find((one) => one.instance === instance);
      if (planned) return planned;
    }
  return undefined;
}

/** What the plan says of it in the wave that has it: a host of two waves may have two ways. */
export function settingsOf(
  { made, rollout }: Pick<Trial, "made" | "rollout">,
  { host, instance }: Pick<InstanceEvent, "host" | "instance">,
): HostSettings | undefined {
  const wave = rollout.waves.find((each) =>
    [...worksOf({ waves: [each] })].some(
      (work) =>
        work.host === host && work.batches.some(({ instances }) => instances.some((one) => one.instance === instance)),
    ),
  );
  const planned = made.plan.waves.find(({ group }) => group === wave?.group);
  return planned && settingsIn(planned, host, instance);
}

/** The options of a scenario, with witnesses to all that passes. */
export function witnessed(
  options: SimulateOptions,
  witnesses: readonly Witness[],
  { made }: Pick<Trial, "made">,
): SimulateOptions {
  const { fleet } = made;
  return {
    ...options,
    onEvent(event, feed) {
      options.onEvent?.(event, (input) => {
        for (const witness of witnesses) witness.fed?.(input);
        feed(input);
      });
      for (const witness of witnesses) witness.see?.(event);
    },
    onChange(change) {
      const fate = options.onChange?.(change) ?? { kind: "arrives" };
      for (const witness of witnesses) witness.sent?.(change, fate);
      return fate;
    },
    onCheck(check) {
      const outcome = options.onCheck?.(check) ?? fleet.check(check.host, check.instance);
      for (const witness of witnesses) witness.checked?.(check, outcome);
      return outcome;
    },
    onHook(hook) {
      const outcome = options.onHook?.(hook) ?? { kind: "succeeded" };
      for (const witness of witnesses) witness.hooked?.(hook, outcome);
      return outcome;
    },
    onAwaitOutcome() {
      const outcome = options.onAwaitOutcome?.() ?? { kind: "ended" };
      for (const witness of witnesses) witness.outcomeKnown?.(outcome);
      return outcome;
    },
  };
}
