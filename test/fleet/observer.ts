import type { FleetHost } from "./fleet.ts";

/** The largest number of instances that were not RUNNING at one and the same moment. */
export interface MostDown {
  readonly overall: number;
  readonly perHost: Readonly<Record<string, number>>;
  /** A program is a Supervisor group, over all hosts. */
  readonly perProgram: Readonly<Record<string, number>>;
}

/** A supervisord was told to stop an instance. */
export interface Stop {
  readonly host: string;
  readonly instance: string;
  /** How many of the fleet's instances were RUNNING then, this one among them. */
  readonly running: number;
}

/** What became of a fleet, by the logs of its supervisords. */
export interface Observation {
  mostDown(): MostDown;
  /** The largest number of hosts that had something not RUNNING at one and the same moment. */
  hostsDownAtOnce(): number;
  /** In their order. */
  stops(): readonly Stop[];
}

/** A host, as far as an observer needs one. */
export type Observable = Pick<FleetHost, "name" | "processes" | "supervisordLog">;

/**
 * Follows a fleet past ssh, supervisorctl and orchestrate: from what is RUNNING now, by what each supervisord
 * writes to its log. That names every change to the millisecond, by the one clock of this machine; samples of
 * several hosts are never of one moment, and miss what happens between two of them.
 *
 * @returns what gives all that was seen up to its call. Supervisords have to stay the same until then
 */
export async function observe({
  hosts,
}: {
  readonly hosts: readonly Observable[];
}): Promise<() => Promise<Observation>> {
  const begun = await Promise.all(
    hosts.map(async (host) => ({
      host,
      logged: (await host.supervisordLog()).length,
      instances: (await host.processes()).map(({ instance, name, state }) => ({
        instance,
        name,
        running: state === "RUNNING",
      })),
    })),
  );
  return async () => {
    const changes = await Promise.all(
      begun.map(async ({ host, logged, instances }) => {
        const named = new Map(instances.map(({ instance, name }) => [name, instance]));
        return changesIn((await host.supervisordLog()).slice(logged)).flatMap(({ name, ...change }) => {
          const instance = named.get(name);
          return instance === undefined ? [] : [{ ...change, host: host.name, instance }];
        });
      }),
    );
    const before = begun.flatMap(({ host, instances }) => instances.map((each) => ({ ...each, host: host.name })));
    return replay(before, changes.flat());
  };
}

interface Change {
  readonly at: string;
  readonly kind: "up" | "stop" | "down";
}

// What ends by a signal, or with an exit status that is not expected, is told as a warning.
// A stop that has ended when supervisord looks first is only ever told as `stopped`.
const CHANGE =
  /^(?<at>[\d-]+ [\d:]+,\d{3}) (?:INFO|WARN) (?:success: (?<up>.+) entered RUNNING state|(?:waiting for|stopped:) (?<stop>.+) (?:to stop$|\()|exited: (?<down>.+) \()/gm;

function changesIn(log: string): (Change & { readonly name: string })[] {
  return [...log.matchAll(CHANGE)].flatMap(({ groups = {} }) =>
    (["up", "stop", "down"] as const).flatMap((kind) => {
      const name = groups[kind];
      return name === undefined ? [] : [{ at: groups["at"] ?? "", kind, name }];
    }),
  );
}

interface Placed {
  readonly host: string;
  readonly instance: string;
}

function replay(
  before: readonly (Placed & { readonly running: boolean })[],
  changes: readonly (Change & Placed)[],
): Observation {
  const key = ({ host, instance }: Placed) => `${host} ${instance}`;
  const program = ({ instance }: Placed) => instance.replace(/:.*/s, "");
  const down = new Map(before.filter(({ running }) => !running).map((each) => [key(each), each as Placed]));
  const moments = [[...down.values()]];
  const stops: Stop[] = [];
  // Within a millisecond what came up comes first: nobody can say which was first, and a look lies between them.
  const inOrder = changes.toSorted((one, other) => compare(one.at, other.at) || compare(other.kind, one.kind));
  for (const change of inOrder) {
    const { host, instance, kind } = change;
    if (kind === "stop" && !down.has(key(change))) stops.push({ host, instance, running: before.length - down.size });
    if (kind === "up") down.delete(key(change));
    else down.set(key(change), change);
    moments.push([...down.values()]);
  }
  const mostOf = (of: (placed: Placed) => string) =>
    Object.fromEntries(
      [...new Set(before.map(of))].map((name) => [
        name,
        most(moments.map((each) => each.filter((placed) => of(placed) === name).length)),
      ]),
    );
  return {
    mostDown: () => ({
      overall: most(moments.map((each) => each.length)),
      perHost: mostOf(({ host }) => host),
      perProgram: mostOf(program),
    }),
    hostsDownAtOnce: () => most(moments.map((each) => new Set(each.map(({ host }) => host)).size)),
    stops: () => stops,
  };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((largest, number) => Math.max(largest, number), 0);
}
