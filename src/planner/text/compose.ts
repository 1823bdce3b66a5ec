import { isAlias, isMap, isScalar, isSeq, Scalar, type Alias, type Pair, type YAMLMap } from "yaml";
import type { Place } from "./diagnostic.ts";
import type { Path } from "./path.ts";

/** The place in its file that an offset is at. */
export type PlaceAt = (offset: number) => Place;

/** Where a key and its value begin in a text. For a list's item both are the item's. */
export interface Origin {
  readonly placeAt: PlaceAt;
  readonly key: number;
  readonly value: number;
  /** A number as its text has it, where JavaScript would write it otherwise: `1.10`, `007`. */
  readonly written?: string;
}

/**
 * For each map and list of the data, where its parts come from, in the order as written.
 * One for all the files of a plan, so that data of several can be put together.
 */
export type Origins = WeakMap<object, ReadonlyMap<string | number, Origin>>;

/** What is wrong with well-formed YAML before anything is known of plans. */
export interface CompositionProblem {
  readonly offset: number;
  /** Where the other one of two is. */
  readonly earlier?: number;
  readonly path: Path;
  readonly message: string;
  readonly suggestion?: string;
  /** The data is not what was meant; to judge it further would only confuse. */
  readonly fatal: boolean;
}

export interface Composition {
  readonly data: unknown;
  readonly problems: readonly CompositionProblem[];
}

/** More values than this, aliases counted as often as they are used, are an alias bomb. */
const LARGEST_PLAN = 1_000_000;

/** Tags that YAML 1.2 knows and JSON has no value for. */
const FOREIGN_TAG = /^tag:yaml\.org,2002:(binary|timestamp|set|omap|pairs)$/;

/**
 * Makes plain data of YAML nodes and notes where every part of it comes from, through aliases and merge keys.
 * (The parser's own `toJS` keeps no positions, throws at the first fault, and takes 100 uses of an alias for an attack.)
 */
export function composeData(root: unknown, placeAt: PlaceAt, origins: Origins): Composition {
  const composer = new Composer(placeAt, origins);
  let data: unknown;
  try {
    data = composer.compose(root, []);
  } catch (error) {
    if (!(error instanceof AliasBomb)) throw error;
  }
  return { data, problems: composer.problems };
}

class AliasBomb extends Error {}

interface Anchor {
  /** Undefined while the anchored value is being read: an alias to it then is inside of it. */
  made?: { readonly data: unknown; readonly size: number };
}

class Composer {
  readonly problems: CompositionProblem[] = [];
  readonly #placeAt: PlaceAt;
  readonly #origins: Origins;
  readonly #anchors = new Map<string, Anchor>();
  /** Values so far, those behind aliases counted at each use. */
  #size = 0;

  constructor(placeAt: PlaceAt, origins: Origins) {
    this.#placeAt = placeAt;
    this.#origins = origins;
  }

  compose(node: unknown, path: Path): unknown {
    this.#size += 1;
    if (isAlias(node)) return this.#follow(node, path);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null;
    const anchor: Anchor = {};
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, anchor);
    const sizeBefore = this.#size;
    const data = isMap(node)
      ? this.#composeMap(node, path)
      : isSeq(node)
        ? this.#composeList(node.items, path)
        : node.value;
    anchor.made = { data, size: this.#size - sizeBefore };
    if (node.tag === undefined || !FOREIGN_TAG.test(node.tag)) return data;
    this.#complain(
      node,
      path,
      `a plan has no values of the kind "!!${node.tag.split(":").at(-1)}"`,
      "take the tag out",
      true,
    );
    return null;
  }

  #follow(alias: Alias, path: Path): unknown {
    const anchor = this.#anchors.get(alias.source);
    if (!anchor) {
      const written = JSON.stringify(`*${alias.source}`);
      const message = `${written} is a YAML alias here, and nothing before it is named "&${alias.source}"`;
      this.#complain(alias, path, message, `a glob needs quotes: ${written}`, true);
      return null;
    }
    if (!anchor.made) {
      this.#complain(alias, path, `the alias "*${alias.source}" is inside of what it stands for`, undefined, true);
      return null;
    }
    this.#size += anchor.made.size;
    if (this.#size > LARGEST_PLAN) {
      this.#complain(
        alias,
        path,
        `with this alias the plan has more than ${LARGEST_PLAN.toLocaleString("en")} values`,
        undefined,
        true,
      );
      throw new AliasBomb();
    }
    return anchor.made.data;
  }

  #composeList(items: readonly unknown[], path: Path): unknown[] {
    const origins = new Map<number, Origin>();
    const data = items.map((item, index) => {
      const offset = offsetOf(item) ?? (isScalar(item) ? item.range?.[0] : undefined) ?? 0;
      origins.set(index, { placeAt: this.#placeAt, key: offset, value: offset });
      return this.compose(item, [...path, index]);
    });
    this.#origins.set(data, origins);
    return data;
  }

  #composeMap(map: YAMLMap, path: Path): Record<string, unknown> {
    // Without a prototype: a host may be called `constructor`.
    const data = Object.create(null) as Record<string, unknown>;
    const origins = new Map<string, Origin>();
    const merged = new Set<string>();
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const origin = this.#originOf(pair);
      if (isMergeKey(pair)) {
        this.#merge(pair, [...path, "<<"], data, origins, merged);
        continue;
      }
      const value = this.compose(pair.value, [...path, key]);
      const earlier = merged.delete(key) ? undefined : origins.get(key);
      if (earlier) {
        this.problems.push({
          offset: origin.key,
          earlier: earlier.key,
          path: [...path, key],
          message: "the same key stands here twice",
          fatal: false,
        });
        continue;
      }
      data[key] = value;
      origins.set(key, origin);
    }
    this.#origins.set(data, origins);
    return data;
  }

  /** Takes in the keys of other maps, unless they are there already: the first one wins. */
  #merge(
    pair: Pair,
    path: Path,
    data: Record<string, unknown>,
    origins: Map<string, Origin>,
    merged: Set<string>,
  ): void {
    const value = this.compose(pair.value, path);
    for (const source of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const from = isPlainMap(source) ? this.#origins.get(source) : undefined;
      if (!isPlainMap(source) || !from) {
        this.#complain(pair.value, path, "only maps can be merged", undefined, true);
        return;
      }
      for (const [key, origin] of from as ReadonlyMap<string, Origin>) {
        if (origins.has(key)) continue;
        data[key] = source[key];
        origins.set(key, origin);
        merged.add(key);
        this.#size += 1;
      }
    }
  }

  #originOf({ key, value }: Pair): Origin {
    const keyOffset = offsetOf(key) ?? 0;
    const origin = { placeAt: this.#placeAt, key: keyOffset, value: offsetOf(value) ?? keyOffset };
    if (!isScalar(value) || typeof value.value !== "number") return origin;
    return value.source === undefined || value.source === String(value.value)
      ? origin
      : { ...origin, written: value.source };
  }

  #complain(node: unknown, path: Path, message: string, suggestion: string | undefined, fatal: boolean): void {
    this.problems.push({
      offset: offsetOf(node) ?? 0,
      path,
      message,
      fatal,
      ...(suggestion !== undefined && { suggestion }),
    });
  }
}

/** Tells whether a value of a plan is a map. */
export function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.value === "<<" && (key.type === undefined || key.type === Scalar.PLAIN);
}

/** Where a node begins; undefined for one without text, such as the value of `hosts:` with nothing behind it. */
function offsetOf(node: unknown): number | undefined {
  if (!isAlias(node) && !isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  if (isScalar(node) && node.range?.[0] === node.range?.[1]) return undefined;
  return node.range?.[0];
}
