import type { Refusal } from "../domain/failures.ts";
import type { FleetReport } from "../domain/fleet.ts";
import { programOf, type HostName, type InstanceName, type ProgramName, type RolloutId } from "../domain/ids.ts";
import type { ProcessSnapshot, ProcessState } from "../domain/process-state.ts";
import { takeAtOnce } from "../domain/quantity.ts";
import type { HostWork, InstanceBatch, PlannedInstance, Rollout, SkippedInstance, Warning, Wave } from "../domain/rollout.ts";
import { didYouMean } from "./nearest.ts";
import type { Plan, PlanWave } from "./plan.ts";
import { compileSelector, select, type Selected, type Selector } from "./programs.ts";

/** The rollout, or every reason why there cannot be one. */
export type Built = { readonly kind: "planned"; readonly rollout: Rollout } | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

/** Turns a plan and what the fleet reports into the one object that a dry run prints and a run follows. */
export function buildRollout(plan: Plan, fleet: FleetReport, identity: { readonly id: RolloutId; readonly reason?: string }): Built {
  const builder = new Builder(fleet);
  const waves = plan.waves.map((wave) => builder.wave(wave)).filter((wave) => wave.batches.length > 0);
  if (builder.refusals.length > 0) return { kind: "refused", refusals: builder.refusals };
  const { skipped, warnings } = builder;
  return { kind: "planned", rollout: { ...identity, name: plan.name, plan_file: plan.file, hosts: plan.hosts, waves, skipped, warnings } };
}

const WARNED_OF: ReadonlySet<ProcessState> = new Set(["EXITED", "FATAL", "BACKOFF", "STARTING", "STOPPING"]);

class Builder {
  readonly refusals: Refusal[] = [];
  readonly skipped: SkippedInstance[] = [];
  readonly warnings: Warning[] = [];
  private readonly fleet: FleetReport;
  /** What an earlier wave or selector has taken already: nothing is restarted twice. */
  private readonly taken = new Map<HostName, Set<InstanceName>>();

  constructor(fleet: FleetReport) {
    this.fleet = fleet;
    for (const [host, report] of fleet) {
      if ("refusal" in report) this.refusals.push(report.refusal);
      this.taken.set(host, new Set());
    }
  }

  wave(wave: PlanWave): Wave {
    const selectors = wave.programs.map((text) => ({ text, names: compileSelector(text) }));
    const works = wave.hosts.map((host) => this.hostWork(host, wave, selectors)).filter((work) => work.batches.length > 0);
    const size = takeAtOnce(wave.batches.hosts, works.length);
    return { group: wave.group, between_batches_ms: wave.timings.between_batches_ms, batches: chunks(works, size).map((hosts) => ({ hosts })) };
  }

  private hostWork(host: HostName, wave: PlanWave, selectors: readonly { text: string; names: Selector }[]): HostWork {
    const report = this.fleet.get(host);
    const snapshots = report && "instances" in report ? report.instances : undefined;
    const batches: InstanceBatch[] = [];
    for (const { text, names } of snapshots ? selectors : []) {
      const selected = select(names, snapshots ?? []);
      if (selected.length === 0) this.refusals.push(notFound(host, text, snapshots ?? []));
      for (const one of selected) batches.push(...this.batchesOf(host, one, wave));
    }
    return { host, timings: wave.timings, batches };
  }

  private batchesOf(host: HostName, { program, instances }: Selected, wave: PlanWave): InstanceBatch[] {
    const planned = instances.filter((snapshot) => this.take(host, program, snapshot)).map((snapshot) => toPlanned(program, snapshot));
    return chunks(planned, takeAtOnce(wave.batches.instances, planned.length)).map((chunk) => ({ program, instances: chunk }));
  }

  /** True if the instance is to be restarted now; otherwise tells why not. */
  private take(host: HostName, program: ProgramName, { instance, state, description }: ProcessSnapshot): boolean {
    const taken = this.taken.get(host);
    if (!taken || taken.has(instance)) return false;
    taken.add(instance);
    if (state === "STOPPED") {
      this.skipped.push({ host, program, instance, why: "it was STOPPED before the rollout" });
      return false;
    }
    if (state === "UNKNOWN") {
      this.refusals.push({ code: "unknown_state", host, reason: `${instance} is UNKNOWN` });
      return false;
    }
    if (WARNED_OF.has(state)) {
      const words = description === undefined ? state : `${state} (${description})`;
      this.warnings.push({ host, instance, message: `it is ${words} already; it will be restarted all the same` });
    }
    return true;
  }
}

function toPlanned(program: ProgramName, { instance, state, pid }: ProcessSnapshot): PlannedInstance {
  return { instance, program, before: pid === undefined ? { state } : { state, pid } };
}

function notFound(host: HostName, selector: string, snapshots: readonly ProcessSnapshot[]): Refusal {
  const programs = [...new Set(snapshots.map(({ instance }) => programOf(instance)))];
  const names: string[] = selector.includes(":") ? snapshots.map(({ instance }) => instance) : programs;
  const near = didYouMean(selector, names);
  const has = programs.length === 0 ? "runs nothing at all" : `has ${programs.join(", ")}`;
  return { code: "program_not_found", host, reason: `"${selector}" is not on this host, which ${has}${near === undefined ? "" : `; ${near}`}` };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size));
  return result;
}
