import { Composer, Parser, type CST, type Document, type LineCounter } from "yaml";

/** A text as the YAML parser reads it. */
export interface YamlText {
  /** The first document; there is always one, whatever the errors in the text. */
  readonly document: Document.Parsed;
  /** Where a second document begins. */
  readonly secondAt?: number;
}

/** Deeper than any plan; far from where the recursion below would exhaust the stack. */
const DEEPEST = 100;

/** Parses YAML 1.2 with merge keys, or returns the offset at which it is nested too deeply to be a plan. */
export function parseYaml(text: string, lines: LineCounter): YamlText | { readonly tooDeepAt: number } {
  // yaml's parseDocument, opened up between its two stages: the first one keeps a stack of its own, the second one
  // recurses, and where the stack ends it does not always throw: V8 may abort the process.
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  for (const token of tokens) {
    const tooDeepAt = findTooDeep(token);
    if (tooDeepAt !== undefined) return { tooDeepAt };
  }
  const composer = new Composer({
    version: "1.2",
    merge: true,
    stringKeys: true,
    // composeData reports these: in linear time, and with the name of the key.
    uniqueKeys: false,
  });
  const [document, second] = composer.compose(tokens, true, text.length);
  // `true` above has it make a document of anything, even of nothing.
  if (!document) throw new Error("yaml made no document of a text");
  return { document: document, ...(second && { secondAt: second.range[0] }) };
}

function findTooDeep(root: CST.Token): number | undefined {
  const open: [CST.Token, number][] = [[root, 0]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [token, depth] = next;
    if (depth > DEEPEST) return token.offset;
    for (const child of childrenOf(token)) open.push([child, depth + 1]);
  }
  return undefined;
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === "document") return token.value ? [token.value] : [];
  if (!("items" in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((part) => part !== null && part !== undefined));
}
