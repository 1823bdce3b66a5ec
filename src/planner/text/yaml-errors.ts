import { isScalar, Scalar, visit, type Document, type YAMLError } from "yaml";

/** What is said of a fault, and where. */
export interface Explanation {
  readonly offset: number;
  readonly message: string;
  readonly suggestion?: string;
}

/** Says in an operator's words what the YAML parser stumbled over. */
export function explainYamlError(error: YAMLError, document: Document, text: string): Explanation {
  const [start, end] = error.pos;
  const at = { offset: start };
  const code: string = error.code;
  switch (code) {
    case "BAD_SCALAR_START":
      return {
        ...at,
        message: `a value that begins with ${JSON.stringify(text[start])} needs quotes`,
        ...quoted(valueAt(text, start)),
      };
    case "BAD_ALIAS":
      return {
        ...at,
        message: "a glob needs quotes: in YAML a bare * begins an alias",
        ...quoted(valueAt(text, start)),
      };
    case "TAG_RESOLVE_FAILED":
      return { ...at, ...explainTag(text.slice(start, end)) };
    case "TAB_AS_INDENT":
      return { ...at, message: "a tab cannot indent YAML", suggestion: "use spaces" };
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return {
        ...at,
        message: "not valid YAML: a key cannot stand here",
        suggestion: 'is a line indented by mistake, or a value with ": " in it not in quotes?',
      };
    case "NON_STRING_KEY":
      return { ...at, message: "a key of a plan must be plain text" };
    case "BAD_INDENT":
      return explainIndent(error.message, start, text);
    case "MISSING_CHAR":
      return explainMissing(error.message, start, document, text);
    default:
      return { ...at, message: inParsersWords(error.message) };
  }
}

function explainTag(written: string): Omit<Explanation, "offset"> {
  const message = `unknown YAML tag ${JSON.stringify(written)}`;
  if (!/^![^!]/.test(written)) return { message };
  return { message, suggestion: `an exclusion needs quotes: ${JSON.stringify(written)}` };
}

function explainIndent(message: string, start: number, text: string): Explanation {
  // The parser points at the line's beginning, the eye looks at its first word.
  const offset = start + (/^ */.exec(text.slice(start, start + 200))?.[0].length ?? 0);
  const open = /^Flow (map|sequence)/.exec(message)?.[1];
  if (open !== undefined)
    return { offset, message: `not valid YAML: a "${open === "map" ? "{" : "["}" before this is not closed` };
  if (message.includes("same column"))
    return { offset, message: "not valid YAML: this is indented otherwise than what it belongs to" };
  return { offset, message: inParsersWords(message) };
}

function explainMissing(message: string, start: number, document: Document, text: string): Explanation {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote !== undefined)
    return { offset: lastQuote(document) ?? start, message: `not valid YAML: this ${quote} is not closed` };
  const said = { offset: start, message: inParsersWords(message) };
  return insideBrackets(text, start)
    ? { ...said, suggestion: 'a node set inside a list needs quotes: ["web-[01-08]"]' }
    : said;
}

/** Where the last quoted text begins: one that is not closed reaches to the end. */
function lastQuote(document: Document): number | undefined {
  let last: number | undefined;
  visit(document, {
    Scalar: (_, node) => {
      if (isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE))
        last = node.range?.[0];
    },
  });
  return last;
}

function valueAt(text: string, start: number): string {
  return /^[^\s,\]}#]*/.exec(text.slice(start, start + 200))?.[0] ?? "";
}

function quoted(value: string): { suggestion?: string } {
  return value === "" ? {} : { suggestion: `write ${JSON.stringify(value)}` };
}

/** Tells whether a line holds brackets in brackets before this offset: `[web-[01-08], db]`. */
function insideBrackets(text: string, offset: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset + 1);
  return /\[[^"'\]]*[\w-]\[/.test(line);
}

function inParsersWords(message: string): string {
  return `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
