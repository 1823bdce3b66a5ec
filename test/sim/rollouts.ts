import { expandNodeSet } from "../../src/domain/node-set.ts";
import type { HostName, RolloutId } from "../../src/domain/ids.ts";
import type { HostWork, InstanceBatch, PlannedInstance, Rollout, Timings } from "../../src/domain/rollout.ts";
import type { Check, HostHooks } from "../../src/domain/settings.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import type { HostSettings, Plan } from "../../src/planner/plan/plan.ts";
import { SimFleet } from "./sim-fleet.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface Sizes {
  readonly hosts: number;
  readonly instances: number;
  readonly hostsAtOnce?: number;
  readonly instancesAtOnce?: number;
  readonly mode?: "lockstep" | "sliding";
  readonly maxFailures?: number;
  readonly maxUnreachable?: number;
  readonly minHealthy?: number;
  readonly hooks?: HostHooks;
  readonly checks?: readonly Check[];
  readonly onFailure?: "stop" | "ask";
  readonly stopped?: "skip" | "start";
  /** The first host has a wave of its own before the others, and this pause after it. */
  readonly canaryPause?: { readonly ms: number } | "ask" | undefined;
  readonly timings?: Partial<Timings>;
}

export const simTimings: Timings = {
  between_checks_ms: 5000,
  between_restarts_ms: 10_000,
  between_batches_ms: 0,
  min_healthy_time_ms: 5000,
  stop_deadline_ms: 300_000,
  healthy_deadline_ms: 120_000,
  command_timeout_ms: 60_000,
  progress_deadline_ms: 600_000,
};

/** A simulated fleet of `host-1`… with `web:0`…, and a plan of one wave over all of it. */
export function simulated({
  hosts,
  instances,
  hostsAtOnce = 1,
  instancesAtOnce = 1,
  mode = "lockstep",
  maxFailures = 0,
  maxUnreachable = 0,
  minHealthy = 0,
  hooks = {},
  checks = [],
  onFailure = "stop",
  canaryPause,
  stopped = "skip",
  timings,
}: Sizes) {
  const expansion = expandNodeSet(`host-[1-${hosts}]`);
  if (!("names" in expansion)) throw new Error(expansion.problem);
  const names = expansion.names as HostName[];
  const time = new VirtualTime();
  const fleet = new SimFleet(
    time,
    names,
    Array.from({ length: instances }, (_, index) => `web:${index}`),
  );
  const settings: HostSettings = {
    action: "restart",
    config_changes: "warn",
    instances: { count: instancesAtOnce },
    timings: { ...simTimings, ...timings },
    checks,
    hooks,
    vars: {},
    stopped,
    exited: "skip",
    leftovers: "fail",
    on_expected_exit: "fail",
  };
  const wave = (group: string, hostNames: readonly HostName[]) => ({
    group,
    hosts: hostNames.map((host) => ({ host, settings })),
    programs: ["web"],
    batches: { sizes: [{ count: hostsAtOnce }], mode },
    between_batches_ms: timings?.between_batches_ms ?? simTimings.between_batches_ms,
  });
  const plan: Plan = {
    warnings: [],
    size: names.length,
    name: "simulated",
    file: "/simulated.yaml",
    hosts: names.map((name) => ({
      name,
      address: name,
      connection: "ssh",
      ssh: { connect_timeout_ms: 10_000 },
      supervisor: { command: "supervisorctl", sudo: false },
    })),
    groups: new Map(),
    waves: canaryPause
      ? [{ ...wave("canary", names.slice(0, 1)), pause: canaryPause }, wave("all", names.slice(1))]
      : [wave("all", names)],
    limits: {
      max_failures: { count: maxFailures },
      max_unreachable: { count: maxUnreachable },
      min_healthy: { count: minHealthy },
    },
    on_failure: onFailure,
    hooks: {},
    selection: { limit: [], exclude: [], programs: [] },
    lock: { mode: "off", directory: "/tmp" },
  };
  return { time, fleet, plan, rollout: () => rolloutOf(plan, fleet) };
}

/** Plans on what the fleet reports now. */
export function rolloutOf(plan: Plan, fleet: SimFleet): Rollout {
  const built = buildRollout(plan, fleet.report(), { id: "20261123T000000Z-0000" as RolloutId });
  if (built.kind === "refused") throw new Error(built.refusals.map(({ reason }) => reason).join("; "));
  return built.rollout;
}

/** The same rollout with another action for each of its instances. */
export function acting(rollout: Rollout, as: Pick<PlannedInstance, "action" | "signal">): Rollout {
  return withBatches(rollout, (_work, batch) => ({
    ...batch,
    instances: batch.instances.map((planned) => ({ ...planned, ...as })),
  }));
}

/**
 * The same rollout with an update of each of its groups, to what is on the disks.
 * @property failed one that has failed in the rollout that this one resumes
 */
export function updating(rollout: Rollout, fleet: SimFleet, { failed }: { readonly failed?: string } = {}): Rollout {
  return withBatches(rollout, ({ host }, { program, settings }) => {
    const onDisk = fleet.disks.onDisk(host, program)?.instances;
    const instances = fleet.disks.membersOf(host, program).map((instance): PlannedInstance => {
      const process = fleet.hosts.get(host)?.get(instance);
      const { state, pid } = process?.snapshot() ?? { state: "STOPPED" };
      const configured = onDisk?.get(instance);
      const isStarted = configured !== undefined && configured.config?.autostart !== false;
      return {
        instance,
        program,
        before: { state, ...(pid !== undefined && { pid }) },
        action: isStarted ? "update" : "remove",
        ...(!process && { is_new: true }),
        ...(instance === failed && { failed_as: "fatal" }),
      };
    });
    return { program, at_once: instances.length, instances, is_update: true, ...(settings && { settings }) };
  });
}

function withBatches(rollout: Rollout, change: (work: HostWork, batch: InstanceBatch) => InstanceBatch): Rollout {
  const ofHost = (work: HostWork): HostWork => {
    // Each program has one batch for each of its sizes.
    const firsts = work.batches.filter(
      ({ program }, index) => work.batches.findIndex((other) => other.program === program) === index,
    );
    const whole = firsts.map((first) => ({
      ...first,
      instances: work.batches.flatMap((batch) => (batch.program === first.program ? batch.instances : [])),
    }));
    return { ...work, batches: whole.map((batch) => change(work, batch)) };
  };
  const waves = rollout.waves.map((wave) => ({
    ...wave,
    batches: wave.batches.map((batch) => ({ ...batch, hosts: batch.hosts.map(ofHost) })),
  }));
  return { ...rollout, waves };
}
