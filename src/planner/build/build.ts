import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport, GroupChange } from "../../domain/fleet.ts";
import type { HostName, InstanceName, ProgramName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import { takeAtOnce, tolerate } from "../../domain/quantity.ts";
import {
  sizeOf,
  worksOf,
  type HostWork,
  type PlannedInstance,
  type Rollout,
  type Warning,
  type Wave,
  type WorkSettings,
} from "../../domain/rollout.ts";
import { chunks, inBatches } from "./host-batches.ts";
import { exitWarnings, withExits } from "./expected-exits.ts";
import { idleExclusions } from "./idle-exclusions.ts";
import { leftoversOn, leftoverWarnings } from "./leftovers.ts";
import type { Hook, WaveHooks } from "../../domain/settings.ts";
import type { HostBatches, HostSettings, Plan, PlanWave, WaveHost } from "../plan/plan.ts";
import { MissingPrograms } from "./missing-programs.ts";
import { select, type Selected } from "./programs.ts";
import { compilePrograms, namesGroup, type NamedSelector } from "../../domain/selector.ts";
import { resumeChain, revertChain } from "./resume-chain.ts";
import { downFirst, hasDown, isDown, revertingPlan } from "./reverting.ts";
import { startSecondsOf, supervisorPidsOf } from "./fleet-facts.ts";
import { floorsOf, refuseFloors } from "./floors.ts";
import { configChangeWarnings } from "./config-change-warnings.ts";
import { addedBy, configOnDisk, type UpdatedGroup } from "./group-updates.ts";
import { Earlier } from "./earlier.ts";
import { InstancePicker, type InstanceSelection } from "./picking.ts";
import { warningOfPlan, warningsOf } from "./warnings.ts";
import { inHostWork, updateOf, type SettledBatch } from "./settled-batch.ts";
import { compileRules, type SettingsIn } from "./program-rules.ts";

/** The rollout, or every reason why there cannot be one. */
export type Built =
  | { readonly kind: "planned"; readonly rollout: Rollout }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

/** Turns a plan and what the fleet reports into the one object that a dry run prints and a run follows. */
export function buildRollout(
  written: Plan,
  fleet: FleetReport,
  identity: Pick<Rollout, "id" | "reason" | "who" | "pid">,
  selection: InstanceSelection = {},
): Built {
  const earlier = new Earlier(selection);
  const { isRevert: reverts } = earlier;
  const plan = reverts ? revertingPlan(written) : written;
  const builder = new Builder(plan, fleet, selection, earlier);
  const inOrder = plan.waves.map((wave) => builder.wave(wave)).filter((wave) => wave.batches.length > 0);
  // An instance that several waves select belongs to the first of them, also in a revert.
  const waves = reverts ? inOrder.toReversed() : inOrder;
  const sources = { plan, fleet, programs: builder.picker.programs, resumed: earlier.chain };
  const wanted = floorsOf(sources, waves);
  const floors = wanted.map(({ floor }) => floor);
  const { unreachable } = builder;
  const refusals = [
    ...builder.refusals,
    ...refuseFloors(wanted, waves),
    ...(reverts ? builder.unlessAny(waves) : builder.missing.refusals()),
  ];
  if (refusals.length > 0) return { kind: "refused", refusals };
  let selected = 0;
  for (const work of worksOf({ waves })) selected += sizeOf(work);
  const limits = {
    max_failures: tolerate(plan.limits.max_failures, selected),
    // What cannot be reached is not reverted; that is no reason to leave the rest as it is.
    max_unreachable: reverts ? plan.size : tolerate(plan.limits.max_unreachable, plan.size),
    floors: withExits(floors, { waves }),
  };
  const { name, file, hosts, on_failure, hooks, revert, lock, selection: narrowedTo, set } = plan;
  const startsecs = startSecondsOf({ waves }, fleet);
  const { proven } = builder.picker;
  const isPicked = (host: HostName, instance: InstanceName) => builder.picker.hasPicked(host, instance);
  const resume =
    (selection.resumed && resumeChain(selection.resumed, fleet, isPicked, waves, proven.length, hosts)) ??
    (selection.reverted && revertChain(selection.reverted, fleet, isPicked, waves, hosts));
  const skipped = [...builder.picker.skipped, ...(resume?.gone ?? [])];
  const warnings = [
    ...builder.warnings,
    ...(resume?.warnings ?? []),
    ...warningsOf({ hosts, waves, floors }, fleet),
    ...leftoverWarnings(plan, { waves }, fleet),
    ...exitWarnings({ waves }, fleet),
    ...idleExclusions(plan, fleet),
  ];
  const supervisor_pids = supervisorPidsOf({ waves }, fleet);
  return {
    kind: "planned",
    rollout: {
      ...identity,
      ...resume?.chain,
      name,
      plan_file: file,
      hosts,
      waves: resume?.waves ?? waves,
      ...(startsecs && { startsecs }),
      ...(supervisor_pids && { supervisor_pids }),
      limits,
      on_failure,
      hooks,
      ...(revert && !reverts && { revert }),
      lock,
      selection: narrowedTo,
      ...(set && { set }),
      skipped,
      proven,
      unreachable,
      warnings,
    },
  };
}

/** The settings of an instance on a host. */
type SettingsOf = (instance: InstanceName) => HostSettings;

class Builder {
  readonly refusals: Refusal[] = [];
  readonly unreachable: HostName[] = [];
  readonly warnings: Warning[] = [];
  readonly picker: InstancePicker;
  private readonly fleet: FleetReport;
  readonly missing: MissingPrograms;
  /** Hosts that a revert leaves out, and why. */
  private readonly leftOut: Refusal[] = [];
  /** Of a revert: hosts where a before_host hook was started, unless they have had a wave already. */
  private readonly hooked: Set<HostName>;
  private readonly earlier: Earlier;

  constructor(plan: Plan, fleet: FleetReport, selection: InstanceSelection, earlier: Earlier) {
    this.fleet = fleet;
    this.earlier = earlier;
    this.hooked = new Set(selection.reverted?.chain.hookedHosts);
    this.missing = new MissingPrograms(fleet, { oneHostIsEnough: selection.programsWhereFound === true });
    this.picker = new InstancePicker(fleet, selection, earlier, this);
    for (const warning of plan.warnings) this.warnings.push({ message: warningOfPlan(warning) });
    const lost: Refusal[] = [];
    for (const [host, report] of fleet) {
      if (!("refusal" in report)) continue;
      if (this.earlier.isRevert) {
        this.leaveAsItIs(host, report.refusal, selection);
        continue;
      }
      // A wrong key or a refused login is not a host that is down: max_unreachable does not cover it.
      if (report.refusal.code === "unreachable") lost.push(report.refusal);
      else this.refusals.push(report.refusal);
    }
    if (lost.length > tolerate(plan.limits.max_unreachable, plan.size)) this.refusals.push(...lost);
    else this.leaveOut(lost);
  }

  /** A revert is not refused for a host that it cannot reach, whatever the reason. */
  private leaveAsItIs(host: HostName, refusal: Refusal, { resumed, reverted }: InstanceSelection): void {
    const isPart = reverted ? (reverted.chain.outcomes.get(host)?.size ?? 0) > 0 : resumed?.planned.has(host) === true;
    if (!isPart) return;
    this.leftOut.push(refusal);
    this.unreachable.push(host);
    this.warnings.push({ host, message: `it is not reverted: ${refusal.reason}` });
  }

  /** Of a revert: why nothing of it could be done. */
  unlessAny(waves: readonly Wave[]): Refusal[] {
    return waves.length === 0 ? this.leftOut : [];
  }

  private leaveOut(lost: readonly Refusal[]): void {
    for (const { host, reason } of lost) {
      const name = host as HostName;
      this.unreachable.push(name);
      this.warnings.push({ host: name, message: `it is left out, because it is unreachable: ${reason}` });
    }
  }

  wave(wave: PlanWave): Wave {
    const selectors = compilePrograms(wave.programs);
    const settingsIn = compileRules(wave);
    const works = wave.hosts
      .map((host) => this.hostWork(host, selectors, settingsIn, wave.batches.mode))
      .filter((work) => work.batches.length > 0 || this.hasHooksOnly(work));
    for (const { host } of works) this.hooked.delete(host);
    const { group, between_batches_ms, programs, pause, hooks, vars, hook_timeout_ms } = wave;
    const batches = inBatches(this.earlier.isRevert ? downFirst(works, hasDown) : works, wave.batches);
    return {
      group,
      between_batches_ms,
      programs,
      batches,
      ...(pause === undefined ? {} : { pause }),
      ...(hooks && { hooks: withTimeout(hooks, hook_timeout_ms) }),
      ...(vars && { vars }),
    };
  }

  /** What a before_host hook did there is undone, though nothing was restarted. */
  private hasHooksOnly({ host, hooks }: HostWork): boolean {
    const report = this.fleet.get(host);
    const isThere = report !== undefined && "instances" in report;
    return isThere && this.hooked.has(host) && (hooks.before_host ?? hooks.after_host) !== undefined;
  }

  private hostWork(
    waveHost: WaveHost,
    selectors: readonly NamedSelector[],
    settingsIn: SettingsIn,
    mode: HostBatches["mode"],
  ): HostWork {
    const { host, settings } = waveHost;
    const settingsOf: SettingsOf = (instance) => settingsIn(waveHost, instance);
    const report = this.fleet.get(host);
    const seen = report && "instances" in report ? report : undefined;
    const selects = (instance: InstanceName) => selectors.some(({ names }) => names(instance));
    const onDisk = seen ? configOnDisk(seen, { selects, settingsOf }) : undefined;
    this.refusals.push(...(onDisk?.refusals ?? []));
    if (onDisk) this.warnings.push(...configChangeWarnings(host, onDisk, { selects, settingsOf, seen }));
    const there = [...(seen?.instances ?? []), ...addedBy(onDisk?.updates ?? NO_UPDATES)];
    const batches: SettledBatch[] = [];
    for (const { text, matches, names } of seen ? selectors : []) {
      const selected = select(names, there, seen?.config?.instances);
      // What a later exclusion takes away is there all the same.
      const isThere = selected.length > 0 || there.some(({ instance }) => matches(instance));
      // An earlier rollout of the chain may have updated its group to a configuration without it.
      if (isThere || [...(this.earlier.chain?.planned.get(host)?.keys() ?? [])].some(matches)) this.missing.isOn(text);
      else this.missing.isNotOn(host, text, seen?.instances ?? []);
      for (const one of selected) {
        const onItsDisk = onDisk?.updates.get(one.program);
        const updated = onItsDisk && this.earlier.mayUpdate(host, onItsDisk) ? onItsDisk : undefined;
        batches.push(
          ...(updated
            ? this.updateBatch(host, text, updated, settingsOf)
            : this.instanceBatches(host, text, listedOf(one, seen), settingsOf, {
                mode,
                change: onDisk?.changes.get(one.program),
              })),
        );
      }
    }
    const own = this.workSettings(host, settings);
    return {
      host,
      ...own,
      batches: batches.map((batch) => inHostWork(batch, settings, (of) => this.workSettings(host, of))),
    };
  }

  /** Once for a group, at the first selector that names some of it. */
  private updateBatch(host: HostName, selector: string, updated: UpdatedGroup, settingsOf: SettingsOf): SettledBatch[] {
    const isNamed = updated.instances.some(({ instance }) => namesGroup(selector, instance));
    return updateOf(updated.group, this.picker.pickUpdate(host, updated, { isNamed }), settingsOf);
  }

  private workSettings(host: HostName, settings: HostSettings): WorkSettings {
    const { timings, checks, hooks, vars, on_expected_exit } = settings;
    const leftovers = leftoversOn(host, settings.leftovers, this.fleet);
    return { timings, checks, hooks, vars, leftovers, on_expected_exit };
  }

  private instanceBatches(
    host: HostName,
    selector: string,
    { program, instances }: Selected,
    settingsOf: SettingsOf,
    { mode, change }: { readonly mode: HostBatches["mode"]; readonly change: GroupChange | undefined },
  ): SettledBatch[] {
    const alike: { readonly settings: HostSettings; readonly planned: PlannedInstance[] }[] = [];
    for (const snapshot of instances) {
      const settings = settingsOf(snapshot.instance);
      const isNamed = namesGroup(selector, snapshot.instance);
      const planned = this.picker.pick(host, program, snapshot, { settings, isNamed, change });
      const last = alike.at(-1);
      if (planned && last?.settings === settings) last.planned.push(planned);
      else if (planned) alike.push({ settings, planned: [planned] });
    }
    return alike.flatMap(({ settings, planned }): SettledBatch[] => {
      const at_once = takeAtOnce(settings.instances, planned.length);
      const ordered = this.earlier.isRevert ? downFirst(planned, isDown) : planned;
      if (mode === "sliding") return [{ program, at_once, instances: ordered, settings }];
      const pieces = chunks(ordered, [at_once]);
      return pieces.map((piece) => ({ program, at_once: piece.length, instances: piece, settings }));
    });
  }
}

function withTimeout(hooks: WaveHooks, timeout_ms: number | undefined): WaveHooks {
  if (timeout_ms === undefined) return hooks;
  return Object.fromEntries(
    Object.entries(hooks as Record<string, Hook>).map(([name, hook]) => [name, { timeout_ms, ...hook }]),
  );
}

/** Less the instances that only an update would add. */
function listedOf(
  { program, instances }: Selected,
  seen: { instances: readonly ProcessSnapshot[] } | undefined,
): Selected {
  return { program, instances: instances.filter((one) => seen?.instances.includes(one)) };
}

const NO_UPDATES: ReadonlyMap<ProgramName, UpdatedGroup> = new Map();
