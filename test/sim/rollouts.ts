import { expandNodeSet } from "../../src/domain/node-set.ts";
import type { HostName, RolloutId } from "../../src/domain/ids.ts";
import type { Rollout, Timings } from "../../src/domain/rollout.ts";
import type { HostHooks } from "../../src/domain/settings.ts";
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
    instances: { count: instancesAtOnce },
    timings: { ...simTimings, ...timings },
    checks: [],
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
