import type { HostConfig } from "../../domain/fleet.ts";
import { compareNaturally, processOf, programOf, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import { enumerated } from "../../domain/folding.ts";

/** One of the programs in a group, and how many instances it has. */
export interface Member {
  readonly name: string;
  readonly count: number;
}

/**
 * Supervisor groups of several programs (`[group:app] programs=web,celery,beat`), with these in natural order.
 *
 * @param hosts the instances that count on each host
 */
export function mixedGroups(
  hosts: readonly { readonly config: HostConfig | undefined; readonly snapshots: readonly ProcessSnapshot[] }[],
): ReadonlyMap<ProgramName, readonly Member[]> {
  const counts = new Map<ProgramName, Map<string, number>>();
  const mixed = new Set<ProgramName>();
  for (const { config, snapshots } of hosts)
    for (const [group, members] of byGroup(snapshots)) {
      const names = namesOf(members, config);
      const ofGroup = counts.get(group) ?? new Map<string, number>();
      counts.set(group, ofGroup);
      for (const name of names) ofGroup.set(name, (ofGroup.get(name) ?? 0) + 1);
      if (new Set(names).size > 1) mixed.add(group);
    }
  return new Map(
    [...counts]
      .filter(([group]) => mixed.has(group))
      .map(([group, ofGroup]) => {
        const members = [...ofGroup].map(([name, count]) => ({ name, count }));
        return [group, members.toSorted((a, b) => compareNaturally(a.name, b.name))];
      }),
  );
}

function byGroup(snapshots: readonly ProcessSnapshot[]): ReadonlyMap<ProgramName, readonly InstanceName[]> {
  const groups = new Map<ProgramName, InstanceName[]>();
  for (const { instance } of snapshots) {
    const group = groups.get(programOf(instance)) ?? [];
    groups.set(programOf(instance), group);
    group.push(instance);
  }
  return groups;
}

/** Their programs, if the sections of all are known; otherwise their own names without the number at the end. */
function namesOf(instances: readonly InstanceName[], config: HostConfig | undefined): string[] {
  const sections = instances.flatMap((instance) => config?.instances.get(instance)?.section ?? []);
  return sections.length === instances.length ? sections : instances.map(withoutNumber);
}

function withoutNumber(instance: InstanceName): string {
  const process = processOf(instance);
  return /^(.*?)[-_.]?\d+$/.exec(process)?.[1] ?? process;
}

/** `beat (1), celery (1) and web (3)`. */
export function membersText(members: readonly Member[]): string {
  return enumerated(members.map(({ name, count }) => `${name || "numbers"} (${count})`));
}
