import { folded, groupedBy } from "./folding.ts";
import type { HostName } from "./ids.ts";
import { partsOf, type HostWork } from "./rollout.ts";

/** What hosts have to do with the same settings. */
export interface AlikeParts {
  /** Each is a host's work with these settings; never empty. */
  readonly parts: readonly [HostWork, ...HostWork[]];
  /** The programs, folded; undefined where no program has settings of its own. */
  readonly programs: string | undefined;
  /** The hosts, folded; undefined where that goes without saying. */
  readonly hosts: string | undefined;
}

/**
 * The works of hosts by their settings, each kind once. A program of which a host has some instances with other settings
 * is named by its instances.
 *
 * @param settingsOf what counts as settings
 */
export function alikeParts(works: readonly HostWork[], settingsOf: (part: HostWork) => unknown): readonly AlikeParts[] {
  const byProgram = works.some(({ batches }) => batches.some(({ settings }) => settings));
  const kinds = groupedBy(works.flatMap(partsOf), (part) => JSON.stringify(settingsOf(part)));
  const split = byProgram ? splitPrograms(works, settingsOf) : new Set<string>();
  const named = kinds.map((parts) => ({ parts, names: new Set(parts.flatMap((part) => namesIn(part, split))) }));
  const isShared = ({ names }: { names: ReadonlySet<string> }) =>
    named.some((other) => other.names !== names && [...other.names].some((name) => names.has(name)));
  return named.flatMap((kind) => {
    const [first, ...more] = kind.parts;
    if (!first) return [];
    const hosts = new Set<HostName>(kind.parts.map(({ host }) => host));
    const saysHosts = byProgram ? isShared(kind) : kinds.length > 1;
    return [
      {
        parts: [first, ...more],
        programs: byProgram ? folded([...kind.names]) : undefined,
        hosts: saysHosts ? folded([...hosts]) : undefined,
      },
    ];
  });
}

/** Those that have several settings on one host. */
function splitPrograms(works: readonly HostWork[], settingsOf: (part: HostWork) => unknown): ReadonlySet<string> {
  const split = new Set<string>();
  const first = new Map<string, string>();
  for (const part of works.flatMap(partsOf))
    for (const { program } of part.batches) {
      const [key, settings] = [`${part.host} ${program}`, JSON.stringify(settingsOf(part))];
      if ((first.get(key) ?? settings) !== settings) split.add(program);
      first.set(key, settings);
    }
  return split;
}

function namesIn({ batches }: HostWork, split: ReadonlySet<string>): string[] {
  return batches.flatMap(({ program, instances }) =>
    split.has(program) ? instances.map(({ instance }): string => instance) : [program],
  );
}
