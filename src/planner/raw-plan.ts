/**
 * A plan's data as the schema has let it through, with the defaults not yet filled in.
 * A key that is there with the value undefined was refused by the schema: nothing is to be concluded from it.
 */
export interface RawPlan {
  readonly name?: string | undefined;
  readonly programs?: OneOrMore | undefined;
  readonly hosts?: Readonly<Record<string, RawHost | null | undefined>> | undefined;
  readonly groups?: Readonly<Record<string, RawGroup | undefined>> | null | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
  readonly timings?: RawTimings | null | undefined;
  readonly batches?: RawBatches | null | undefined;
  readonly rollout?: readonly ({ readonly group?: string | undefined } | undefined)[] | undefined;
}

export interface RawHost {
  readonly address?: string | undefined;
  readonly connection?: "ssh" | "local" | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
}

export interface RawGroup {
  readonly hosts?: OneOrMore | undefined;
  readonly programs?: OneOrMore | undefined;
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
  readonly timings?: RawTimings | null | undefined;
  readonly batches?: RawBatches | null | undefined;
}

export interface RawSsh {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly identity_file?: string | undefined;
  readonly known_hosts_file?: string | undefined;
  readonly connect_timeout?: string | undefined;
}

export interface RawSupervisor {
  readonly command?: string | undefined;
  readonly sudo?: boolean | undefined;
  readonly config?: string | undefined;
  readonly server_url?: string | undefined;
}

export type TimingKey =
  | "between_checks"
  | "between_restarts"
  | "between_batches"
  | "min_healthy_time"
  | "stop_deadline"
  | "healthy_deadline"
  | "command_timeout";

export type RawTimings = { readonly [Key in TimingKey]?: string | undefined };

export interface RawBatches {
  readonly hosts?: number | string | undefined;
  readonly instances?: number | string | undefined;
}

export type OneOrMore = string | readonly (string | undefined)[];

/** One or a list of texts as a list. */
export function listOf(value: OneOrMore): readonly (string | undefined)[] {
  return typeof value === "string" ? [value] : value;
}
