import { isAlias, isMap, isScalar, isSeq, Scalar, type Alias, type Pair, type YAMLMap } from "yaml";
import type { Fault, SourceRange } from "./diagnostic.ts";
import type { Path } from "./path.ts";

/** Offsets into a text; the end is exclusive. */
export type Offsets = readonly [start: number, end: number];

/** The range in its file that two offsets enclose. */
export type RangeOf = (offsets: Offsets) => SourceRange;

/** Where a key and its value stand in a text. For a list's item both are the item's. */
export interface Origin {
  readonly rangeOf: RangeOf;
  readonly key: Offsets;
  readonly value: Offsets;
  /** A number as its text has it, where JavaScript would write it otherwise: `1.10`, `007`. */
  readonly written?: string;
  /** `null` or `~` is written there; a key with nothing after it is not meant. */
  readonly isNull?: true;
  /** Such a `null` has taken the key away: it is no longer in the data. */
  readonly isTakenAway?: true;
}

/**
 * For each map and list of the data, where its parts come from, in the order as written.
 * One for all the files of a plan, so that data of several can be put together.
 */
export type Origins = WeakMap<object, ReadonlyMap<string | number, Origin>>;

/** A fault in well-formed YAML, whatever plans may contain. */
export interface CompositionProblem extends Fault {
  readonly offsets: Offsets;
  /** Where the other one of two is. */
  readonly earlier?: Offsets;
  readonly path: Path;
  /** The data is not what was meant; further errors in it would only confuse. */
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
 * Converts YAML nodes to plain data and notes where each part comes from, through aliases and merge keys.
 * (The parser's own `toJS` keeps no positions, throws at the first fault, and takes 100 uses of an alias for an attack.)
 */
export function composeData(root: unknown, rangeOf: RangeOf, origins: Origins): Composition {
  const composer = new Composer(rangeOf, origins);
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
  /** Undefined while the anchored value is being read: an alias to it is then inside it. */
  made?: { readonly data: unknown; readonly size: number };
}

class Composer {
  readonly problems: CompositionProblem[] = [];
  private readonly rangeOf: RangeOf;
  private readonly origins: Origins;
  private readonly anchors = new Map<string, Anchor>();
  /** Values so far, those behind aliases counted at each use. */
  private size = 0;

  constructor(rangeOf: RangeOf, origins: Origins) {
    this.rangeOf = rangeOf;
    this.origins = origins;
  }

  compose(node: unknown, path: Path): unknown {
    this.size += 1;
    if (isAlias(node)) return this.follow(node, path);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null;
    const anchor: Anchor = {};
    if (node.anchor !== undefined) this.anchors.set(node.anchor, anchor);
    const sizeBefore = this.size;
    const data = isMap(node)
      ? this.composeMap(node, path)
      : isSeq(node)
        ? this.composeList(node.items, path)
        : node.value;
    anchor.made = { data, size: this.size - sizeBefore };
    if (node.tag === undefined || !FOREIGN_TAG.test(node.tag)) return data;
    this.complain(node, path, {
      code: "yaml_tag",
      message: `a plan has no values of the kind "!!${node.tag.split(":").at(-1)}"`,
      suggestion: "remove the tag",
    });
    return null;
  }

  private follow(alias: Alias, path: Path): unknown {
    const anchor = this.anchors.get(alias.source);
    if (!anchor) {
      const written = JSON.stringify(`*${alias.source}`);
      this.complain(alias, path, {
        code: "yaml_alias",
        message: `${written} is a YAML alias here, and nothing before it is named "&${alias.source}"`,
        suggestion: `a glob needs quotes: ${written}`,
      });
      return null;
    }
    if (!anchor.made) {
      const message = `the alias "*${alias.source}" is inside the value that it stands for`;
      this.complain(alias, path, { code: "yaml_alias", message });
      return null;
    }
    this.size += anchor.made.size;
    if (this.size > LARGEST_PLAN) {
      const message = `with this alias the plan has more than ${LARGEST_PLAN.toLocaleString("en")} values`;
      this.complain(alias, path, { code: "yaml_too_large", message });
      throw new AliasBomb();
    }
    return anchor.made.data;
  }

  private composeList(items: readonly unknown[], path: Path): unknown[] {
    const origins = new Map<number, Origin>();
    const data = items.map((item, index) => {
      const start = isScalar(item) ? (item.range?.[0] ?? 0) : 0;
      const offsets = offsetsOf(item) ?? [start, start];
      origins.set(index, { rangeOf: this.rangeOf, key: offsets, value: offsets });
      return this.compose(item, [...path, index]);
    });
    this.origins.set(data, origins);
    return data;
  }

  private composeMap(map: YAMLMap, path: Path): Record<string, unknown> {
    // Without a prototype: a host may be called `constructor`.
    const data = Object.create(null) as Record<string, unknown>;
    const origins = new Map<string, Origin>();
    const merged = new Set<string>();
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const origin = this.originOf(pair);
      if (isMergeKey(pair)) {
        this.merge(pair, [...path, "<<"], data, origins, merged);
        continue;
      }
      const value = this.compose(pair.value, [...path, key]);
      const earlier = merged.delete(key) ? undefined : origins.get(key);
      if (earlier) {
        this.problems.push({
          code: "duplicate_key",
          offsets: origin.key,
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
    this.origins.set(data, origins);
    return data;
  }

  /** Merges the keys of other maps, unless they are already there: the first one wins. */
  private merge(
    pair: Pair,
    path: Path,
    data: Record<string, unknown>,
    origins: Map<string, Origin>,
    merged: Set<string>,
  ): void {
    const value = this.compose(pair.value, path);
    for (const source of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const from = isPlainMap(source) ? this.origins.get(source) : undefined;
      if (!isPlainMap(source) || !from) {
        this.complain(pair.value, path, { code: "yaml_merge", message: "only maps can be merged" });
        return;
      }
      for (const [key, origin] of from as ReadonlyMap<string, Origin>) {
        if (origins.has(key)) continue;
        data[key] = source[key];
        origins.set(key, origin);
        merged.add(key);
        this.size += 1;
      }
    }
  }

  private originOf({ key, value }: Pair): Origin {
    const ofKey = offsetsOf(key) ?? [0, 0];
    const ofValue = offsetsOf(value);
    const origin = { rangeOf: this.rangeOf, key: ofKey, value: ofValue ?? ofKey };
    if (isScalar(value) && value.value === null && ofValue) return { ...origin, isNull: true };
    if (!isScalar(value) || typeof value.value !== "number") return origin;
    return value.source === undefined || value.source === String(value.value)
      ? origin
      : { ...origin, written: value.source };
  }

  private complain(node: unknown, path: Path, fault: Fault): void {
    this.problems.push({ ...fault, offsets: offsetsOf(node) ?? [0, 0], path, fatal: true });
  }
}

/** Whether a value of a plan is a map. */
export function isPlainMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.value === "<<" && (key.type === undefined || key.type === Scalar.PLAIN);
}

/** Where a node stands; undefined for one without text, such as the value of `hosts:` with nothing after it. */
function offsetsOf(node: unknown): Offsets | undefined {
  if (!isAlias(node) && !isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  const [start, end] = node.range ?? [0, 0];
  return isScalar(node) && start === end ? undefined : [start, end];
}
