import type { Refusal } from "../../domain/failures.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import { folded } from "../../domain/folding.ts";
import { programOf, type HostName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import { compileSelector } from "../../domain/selector.ts";
import { programMeant } from "./program-suggestions.ts";

const ONLY_ON_SOME =
  "Only some hosts have it: put them into a group with `programs` of its own, which stand there in place of the plan's.";

/** Programs that hosts lack, as the plan or the command line writes them. */
export class MissingPrograms {
  private readonly fleet: FleetReport;
  private readonly oneHostIsEnough: boolean;
  private readonly lacking = new Map<string, Map<HostName, readonly ProcessSnapshot[]>>();
  private readonly found = new Set<string>();

  /** `oneHostIsEnough`: hosts may lack a program, but not all of them. */
  constructor(fleet: FleetReport, { oneHostIsEnough }: { readonly oneHostIsEnough: boolean }) {
    this.fleet = fleet;
    this.oneHostIsEnough = oneHostIsEnough;
  }

  isOn(text: string): void {
    this.found.add(text);
  }

  /** A host may lack it in several waves. */
  isNotOn(host: HostName, text: string, snapshots: readonly ProcessSnapshot[]): void {
    const hosts = this.lacking.get(text) ?? new Map<HostName, readonly ProcessSnapshot[]>();
    this.lacking.set(text, hosts.set(host, snapshots));
  }

  /** Of programs that are missing where they must be; to be called after all waves. */
  refusals(): Refusal[] {
    return [...this.lacking].flatMap(([text, hosts]) =>
      this.oneHostIsEnough && this.found.has(text) ? [] : this.refusalsOf(text, hosts),
    );
  }

  private refusalsOf(text: string, hosts: ReadonlyMap<HostName, readonly ProcessSnapshot[]>): Refusal[] {
    const others = this.hostsWith(text);
    return [...hosts].map(([host, snapshots]) => {
      const refusal = { code: "program_not_found", host } as const;
      if (others.length === 0)
        return { ...refusal, reason: `"${text}" is not on this host, ${meant(text, snapshots)}` };
      const reason = `"${text}" is on ${folded(others)}, but not on this host, ${has(snapshots)}`;
      return { ...refusal, reason, ...(!this.oneHostIsEnough && { remedy: ONLY_ON_SOME }) };
    });
  }

  private hostsWith(text: string): HostName[] {
    const isNamed = compileSelector(text);
    return [...this.fleet.values()].flatMap((report) =>
      "instances" in report && report.instances.some(({ instance }) => isNamed(instance)) ? [report.host] : [],
    );
  }
}

function meant(text: string, snapshots: readonly ProcessSnapshot[]): string {
  const near = programMeant(
    text,
    snapshots.map(({ instance }) => instance),
  );
  return near === undefined ? has(snapshots) : `${has(snapshots)}; ${near}`;
}

function has(snapshots: readonly ProcessSnapshot[]): string {
  const programs = [...new Set(snapshots.map(({ instance }) => programOf(instance)))];
  return programs.length === 0 ? "which runs nothing at all" : `which has ${programs.join(", ")}`;
}
