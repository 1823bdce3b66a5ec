import type { Path } from "./path.ts";

/** A key of the plan language that this version does not honour. */
export interface NotBuilt {
  /** On whatever level it stands: `ssh.client` is that of the plan, of a group and of a host. */
  readonly key: string;
  /** Values that mean what this version does anyway; without them the key itself is refused. */
  readonly but?: readonly unknown[];
}

/**
 * What the plan language has and this version has not. It is refused by name: a check or a limit that was silently
 * ignored would be taken for protection. A line goes when its key is built.
 */
export const NOT_BUILT_YET: readonly NotBuilt[] = [
  { key: "ssh.proxy_jump" },
  { key: "ssh.config_file" },
  { key: "ssh.host_key_checking", but: ["strict"] },
  { key: "ssh.client", but: ["ssh2"] },
];

/** A place at which a plan asks for something that is not built. */
export interface Asked {
  readonly path: Path;
  readonly message: string;
  /** The key is refused, whatever its value. */
  readonly wholeKey: boolean;
}

const SAID = "is part of the plan language but not built yet in this version";

/** Every place of a plan's data at which one of these keys is asked for. */
export function* askedFor(data: unknown, notBuilt: readonly NotBuilt[]): Generator<Asked> {
  for (const [level, path] of levelsOf(data))
    for (const { key, but } of notBuilt) {
      const keys = key.split(".");
      const value = keys.reduce<unknown>(valueAt, level);
      // An empty section asks for nothing.
      if (value === undefined || value === null || but?.includes(value)) continue;
      const message = but ? `${Array.isArray(value) ? "a list" : JSON.stringify(value)} ${SAID}` : SAID;
      yield { path: [...path, ...keys], message, wholeKey: !but };
    }
}

/** What is said of a key that the schema does not know, if it is one of these. */
export function refusalOfKey(path: Path, notBuilt: readonly NotBuilt[]): string | undefined {
  const inLevel = (path[0] === "hosts" || path[0] === "groups") && path.length > 2 ? path.slice(2) : path;
  const key = inLevel.join(".");
  return notBuilt.some((refused) => refused.key === key || refused.key.startsWith(`${key}.`)) ? SAID : undefined;
}

/** The plan, each group and each host, with the way there. */
function* levelsOf(data: unknown): Generator<[unknown, Path]> {
  yield [data, []];
  for (const section of ["groups", "hosts"])
    for (const [name, level] of Object.entries((valueAt(data, section) as object | null | undefined) ?? {}))
      yield [level, [section, name]];
}

function valueAt(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
