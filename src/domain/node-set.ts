/**
 * Node sets: `web-[01-08].example.com` and `rack[1,3,5-7]-[1-4]` as short forms of many names.
 * Expanding keeps the order as written, the leftmost bracket changing slowest; folding is the inverse, for display.
 */

/** More names than this in one node set are taken for a slip of the keyboard. */
export const LARGEST_NODE_SET = 100_000;

/** The names of a node set, or its fault. */
export type Expansion = { readonly names: readonly string[] } | { readonly problem: string };

type Parsed<Value> = { readonly value: Value } | { readonly problem: string };

/** A number or a range in brackets. */
const ITEM = /^\s*(\d+)(?:-(\d+))?\s*$/;

/** Up to here JavaScript counts exactly. */
const LONGEST_NUMBER = 15;

/** What folding may count in a name; longer digits, as of an instance id, are text. */
const NUMBER = new RegExp(`(?<!\\d)(\\d{1,${LONGEST_NUMBER}})(?!\\d)`);

/** True for a node set, also a faulty one; false for a plain name. */
function isNodeSet(text: string): boolean {
  return /[[\]]/.test(text);
}

/** Expands a node set; a text without brackets stands for itself. A name that is written twice comes once. */
export function expandNodeSet(text: string): Expansion {
  if (!isNodeSet(text)) return { names: [text] };
  const pieces = splitAtBrackets(text);
  if ("problem" in pieces) return pieces;
  const choices: Range[][] = [];
  for (const piece of pieces.value) {
    const ranges = piece.bracket ? parseBracket(piece.text) : { value: [literal(piece.text)] };
    if ("problem" in ranges) return ranges;
    choices.push(ranges.value);
  }
  const size = choices.reduce((product, ranges) => product * ranges.reduce((sum, { count }) => sum + count, 0), 1);
  if (size > LARGEST_NODE_SET) {
    return { problem: `${quoted(text)} stands for more than ${LARGEST_NODE_SET.toLocaleString("en")} names` };
  }
  let names = [""];
  for (const ranges of choices) {
    const parts = ranges.flatMap(textsOf);
    names = names.flatMap((start) => parts.map((part) => start + part));
  }
  return { names: [...new Set(names)] };
}

/** Writes names as few node sets, in the order of each set's first name: `expandNodeSet` of all gives the same set of names. */
export function foldNames(names: readonly string[]): string[] {
  const bySkeleton = new Map<string, string[][]>();
  for (const name of new Set(names)) {
    const parts = isNodeSet(name) ? [name] : name.split(NUMBER);
    const skeleton = JSON.stringify(parts.filter((_, index) => index % 2 === 0));
    const alike = bySkeleton.get(skeleton);
    if (alike) alike.push(parts);
    else bySkeleton.set(skeleton, [parts]);
  }
  return [...bySkeleton.values()].flatMap(foldAlike);
}

interface Range {
  /** The first text, as written; all others follow by counting. */
  readonly first: string;
  readonly count: number;
}

function literal(text: string): Range {
  return { first: text, count: 1 };
}

function textsOf({ first, count }: Range): string[] {
  if (count === 1) return [first];
  const start = Number(first);
  return Array.from({ length: count }, (_, offset) => String(start + offset).padStart(first.length, "0"));
}

function splitAtBrackets(text: string): Parsed<{ text: string; bracket: boolean }[]> {
  const pieces: { text: string; bracket: boolean }[] = [];
  let rest = text;
  while (rest !== "") {
    const open = rest.search(/[[\]]/);
    if (open === -1) return { value: [...pieces, { text: rest, bracket: false }] };
    if (rest[open] === "]") return { problem: `${quoted(text)} has a "]" without its "["` };
    const length = rest.slice(open + 1).search(/[[\]]/);
    if (length === -1 || rest[open + 1 + length] === "[")
      return { problem: `${quoted(text)} has a "[" that is not closed` };
    pieces.push(
      { text: rest.slice(0, open), bracket: false },
      { text: rest.slice(open + 1, open + 1 + length), bracket: true },
    );
    rest = rest.slice(open + length + 2);
  }
  return { value: pieces };
}

function parseBracket(text: string): Parsed<Range[]> {
  if (text.trim() === "") return { problem: "the brackets are empty; write numbers such as [01-08] or [1,3,5-7]" };
  const ranges: Range[] = [];
  for (const item of text.split(",")) {
    const range = parseItem(item, text);
    if ("problem" in range) return range;
    ranges.push(range.value);
  }
  return { value: ranges };
}

function parseItem(item: string, bracket: string): Parsed<Range> {
  const [, first, last] = ITEM.exec(item) ?? [];
  if (first === undefined) {
    return { problem: `[${bracket}] is not understood; write numbers such as [01-08] or [1,3,5-7]` };
  }
  if (Math.max(first.length, last?.length ?? 0) > LONGEST_NUMBER) {
    return { problem: `[${bracket}] has a number of more than ${LONGEST_NUMBER} digits` };
  }
  if (last === undefined) return { value: literal(first) };
  if (Number(last) < Number(first)) return { problem: `[${bracket}] counts backwards: ${last} is before ${first}` };
  // [8-010] or [08-100] could be meant in two ways.
  if ((isPadded(first) || isPadded(last)) && first.length !== last.length) {
    return {
      problem: `[${bracket}] is padded with zeros at one end only: write ${first} and ${last} with the same number of digits`,
    };
  }
  return { value: { first, count: Number(last) - Number(first) + 1 } };
}

function isPadded(digits: string): boolean {
  return digits.length > 1 && digits.startsWith("0");
}

function quoted(text: string): string {
  return `"${text}"`;
}

/** Folds names of one skeleton (their texts between the numbers are equal), number by number from the last to the first. */
function foldAlike(names: readonly string[][]): string[] {
  let rows = names;
  for (let column = (names[0]?.length ?? 1) - 2; column > 0; column -= 2) {
    const groups = new Map<string, { row: string[]; numbers: string[] }>();
    for (const row of rows) {
      const key = JSON.stringify(row.with(column, ""));
      const group = groups.get(key);
      if (group) group.numbers.push(row[column] ?? "");
      else groups.set(key, { row, numbers: [row[column] ?? ""] });
    }
    rows = [...groups.values()].map(({ row, numbers }) => row.with(column, bracketOf(numbers)));
  }
  return rows.map((row) => row.join(""));
}

/** One number as it is, several as `[01-03,07]`. */
function bracketOf(numbers: readonly string[]): string {
  if (numbers.length === 1) return numbers[0] ?? "";
  return `[${runsOf(numbers)
    .map(([first, last]) => (first === last ? first : `${first}-${last}`))
    .join(",")}]`;
}

/** Runs of numbers that follow each other at the same width, or without padding at any. */
function runsOf(numbers: readonly string[]): [string, string][] {
  const runs: [string, string][] = [];
  for (const number of [...numbers].sort(byWidthThenValue(numbers))) {
    const run = runs.at(-1);
    if (run && follows(run, number)) run[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

function follows([first, last]: [string, string], next: string): boolean {
  if (Number(next) !== Number(last) + 1) return false;
  return next.length === last.length || (!isPadded(first) && !isPadded(last) && !isPadded(next));
}

/** Padded numbers and all others of their width come together, lest 1 and 01 tear each other's runs apart. */
function byWidthThenValue(numbers: readonly string[]): (a: string, b: string) => number {
  const paddedWidths = new Set(numbers.filter(isPadded).map((number) => number.length));
  const width = (number: string) => (paddedWidths.has(number.length) ? number.length : 0);
  return (a, b) => width(a) - width(b) || Number(a) - Number(b) || (a < b ? -1 : 1);
}
