import type { ConfigPolicy, PlanAction } from "../../domain/action.ts";
import type { Timings } from "../../domain/rollout.ts";
import type {
  ExitPolicy,
  HookErrorPolicy,
  HookName,
  HostHooks,
  LeftoverPolicy,
  RunsOn,
  WaveHooks,
} from "../../domain/settings.ts";
import type { HostKeyChecking } from "../../domain/target.ts";
import type { Path } from "../text/path.ts";

/**
 * A plan's data as the schema has let it through, with the defaults not yet filled in.
 * A key with the value undefined was refused by the schema: nothing can be concluded from it.
 */
export interface RawPlan extends RawSettings {
  readonly abstract?: boolean | undefined;
  readonly name?: string | undefined;
  readonly programs?: RawPrograms | undefined;
  readonly hosts?: Readonly<Record<string, RawHost | null | undefined>> | undefined;
  readonly hosts_from?: object | null | undefined;
  readonly groups?: Readonly<Record<string, RawGroup | undefined>> | null | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
  readonly hooks?: { readonly [Name in HookName]?: RawHook | undefined } | null | undefined;
  readonly limits?: { readonly [Key in LimitKey]?: RawQuantity | undefined } | null | undefined;
  readonly on_failure?: "stop" | "ask" | "revert" | undefined;
  readonly revert?: RawPlan["hooks"];
  readonly lock?: RawLock | null | undefined;
  readonly rollout?: readonly (RawWave | undefined)[] | undefined;
}

/** Settings that may stand on the plan, a group, a host and a program and that apply in a wave. */
export interface RawSettings {
  /** Not on a host. */
  readonly action?: PlanAction | undefined;
  /** Not on a host. */
  readonly config_changes?: ConfigPolicy | undefined;
  readonly timings?: RawTimings | null | undefined;
  readonly batches?: RawBatches | null | undefined;
  readonly checks?: readonly (RawCheck | undefined)[] | null | undefined;
  /** On a host or a program only some of these. */
  readonly hooks?: { readonly [Name in keyof (HostHooks & WaveHooks)]?: RawHook | undefined } | null | undefined;
  readonly vars?: Readonly<Record<string, string | number | undefined>> | null | undefined;
  readonly stopped?: "skip" | "start" | undefined;
  readonly exited?: "skip" | "restart" | undefined;
  readonly leftovers?: LeftoverPolicy | undefined;
  readonly on_expected_exit?: ExitPolicy | undefined;
}

/** The settings of one level, and its path in the plan. */
export interface PlacedSettings {
  readonly path: Path;
  readonly section: RawSettings;
}

export interface RawHost extends RawSettings {
  readonly address?: string | undefined;
  readonly connection?: "ssh" | "local" | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
}

export interface RawGroup extends RawSettings {
  readonly hosts?: OneOrMore | undefined;
  readonly programs?: RawPrograms | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
}

/** Settings of a program. */
export interface RawProgram extends RawSettings {
  readonly limits?: { readonly min_healthy?: RawQuantity | undefined } | null | undefined;
}

/** Programs with settings, each by its name or pattern. */
export type RawProgramMap = Readonly<Record<string, RawProgram | null | undefined>>;

/** A map in a list has one key. */
export type RawPrograms = string | readonly (string | RawProgramMap | undefined)[] | RawProgramMap;

export interface RawWave {
  readonly group?: string | undefined;
  readonly action?: PlanAction | undefined;
  readonly pause?: string | undefined;
}

export interface RawSsh {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly identity_file?: string | undefined;
  readonly proxy_jump?: string | undefined;
  readonly known_hosts_file?: string | undefined;
  readonly host_key_checking?: HostKeyChecking | undefined;
  readonly config_file?: string | undefined;
  readonly client?: "ssh2" | "system" | undefined;
  readonly connect_timeout?: string | undefined;
}

export interface RawSupervisor {
  readonly command?: string | undefined;
  readonly sudo?: boolean | undefined;
  readonly config?: string | undefined;
  readonly server_url?: string | undefined;
}

/** A duration of `Timings` without its unit. */
export type TimingKey = keyof Timings extends infer Key ? (Key extends `${infer Name}_ms` ? Name : never) : never;

export type RawTimings = { readonly [Key in TimingKey]?: string | undefined };

export type RawQuantity = number | string;

export interface RawBatches {
  readonly hosts?: RawQuantity | readonly (RawQuantity | undefined)[] | undefined;
  readonly instances?: RawQuantity | undefined;
  readonly mode?: "lockstep" | "sliding" | undefined;
}

export interface RawCheck {
  readonly http?: string | undefined;
  readonly tcp?: string | undefined;
  readonly command?: string | undefined;
  readonly from?: RunsOn | undefined;
  readonly status?: number | undefined;
  readonly passes?: number | undefined;
  readonly timeout?: string | undefined;
}

export type RawHook =
  | string
  | {
      readonly command?: string | undefined;
      readonly run?: RunsOn | undefined;
      readonly timeout?: string | undefined;
      readonly on_error?: HookErrorPolicy | undefined;
    };

export type LimitKey = "max_failures" | "max_unreachable" | "min_healthy";

export interface RawLock {
  readonly mode?: "required" | "off" | undefined;
  readonly directory?: string | undefined;
}

export type OneOrMore = string | readonly (string | undefined)[];

/** One or a list of texts as a list. */
export function listOf(value: OneOrMore): readonly (string | undefined)[] {
  return typeof value === "string" ? [value] : value;
}

/** One of the programs that a plan or a group lists, its settings, and where they stand. */
export interface ListedProgram {
  readonly text: string;
  readonly settings: RawProgram | undefined;
  /** From `programs` on. */
  readonly path: Path;
}

/** The programs in their order, however they are written. */
export function programsOf(raw: RawPrograms | undefined): readonly ListedProgram[] {
  if (raw === undefined) return [];
  if (typeof raw === "string") return [{ text: raw, settings: undefined, path: [] }];
  const inMap = (map: RawProgramMap, path: Path) =>
    Object.entries(map).map(([text, settings]) => ({ text, settings: settings ?? undefined, path: [...path, text] }));
  if (!Array.isArray(raw)) return inMap(raw as RawProgramMap, []);
  return (raw as readonly (string | RawProgramMap | undefined)[]).flatMap((item, index): ListedProgram[] => {
    if (item === undefined) return [];
    return typeof item === "string" ? [{ text: item, settings: undefined, path: [index] }] : inMap(item, [index]);
  });
}

/** A path from its level on: the plan, a group, a host, or a program of a plan or a group. */
export function pathInLevel(path: Path): Path {
  const [section] = path;
  if (section === "hosts" || section === "groups") return pathInLevel(path.slice(2));
  if (section === "programs") return path.slice(typeof path[1] === "number" ? 3 : 2);
  return path;
}

/** Whether the schema refused the value of a key, so that nothing is known about it. */
export function wasRefused(map: object, key: string): boolean {
  return key in map && (map as Readonly<Record<string, unknown>>)[key] === undefined;
}
