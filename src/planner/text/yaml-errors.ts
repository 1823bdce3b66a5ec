import type { Offsets } from "./compose.ts";
import type { Fault } from "./diagnostic.ts";
import { isScalar, Scalar, visit, type Document, type YAMLError } from "yaml";

/** A fault, and where it stands. */
export interface YamlFault extends Fault {
  readonly offsets: Offsets;
}

/** Explains an error of the YAML parser in an operator's words. */
export function explainYamlError(error: YAMLError, document: Document, text: string): YamlFault {
  const [start, end] = error.pos;
  const code: string = error.code;
  switch (code) {
    case "BAD_SCALAR_START":
      return needsQuotes(`a value that begins with ${JSON.stringify(text[start])} needs quotes`, start, text);
    case "BAD_ALIAS":
      return needsQuotes("a glob needs quotes: in YAML a bare * begins an alias", start, text);
    case "TAG_RESOLVE_FAILED":
      return { offsets: [start, end], ...explainTag(text.slice(start, end)) };
    case "TAB_AS_INDENT":
      return { offsets: [start, end], code: "yaml_tab", message: "a tab cannot indent YAML", suggestion: "use spaces" };
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return {
        ...syntax("a key cannot stand here", [start, start + valueAt(text, start).length]),
        suggestion: 'is a line indented by mistake, or a value with ": " in it not in quotes?',
      };
    case "NON_STRING_KEY":
      return { offsets: [start, end], code: "yaml_key", message: "a key of a plan must be plain text" };
    case "BAD_INDENT":
      return explainIndent(error.message, start, text);
    case "MISSING_CHAR":
      return explainMissing(error, document, text);
    default:
      return syntax(inParsersWords(error.message), [start, end]);
  }
}

function syntax(why: string, offsets: Offsets): YamlFault {
  return { offsets, code: "yaml_syntax", message: `not valid YAML: ${why}` };
}

function needsQuotes(message: string, start: number, text: string): YamlFault {
  const value = valueAt(text, start);
  return {
    offsets: [start, start + Math.max(value.length, 1)],
    code: "yaml_quotes",
    message,
    suggestion: value === "" ? undefined : `write ${JSON.stringify(value)}`,
  };
}

function explainTag(written: string): Fault {
  return {
    code: "yaml_tag",
    message: `unknown YAML tag ${JSON.stringify(written)}`,
    suggestion: /^![^!]/.test(written) ? `an exclusion needs quotes: ${JSON.stringify(written)}` : undefined,
  };
}

function explainIndent(message: string, lineStart: number, text: string): YamlFault {
  // The parser points at the line's beginning, the eye looks at its first word.
  const start = lineStart + (/^ */.exec(text.slice(lineStart, lineStart + 200))?.[0].length ?? 0);
  const offsets: Offsets = [start, start + valueAt(text, start).length];
  const open = /^Flow (map|sequence)/.exec(message)?.[1];
  if (open !== undefined) return syntax(`a "${open === "map" ? "{" : "["}" before this is not closed`, offsets);
  if (message.includes("same column"))
    return syntax("this line is not indented like the others of its map or list", offsets);
  return syntax(inParsersWords(message), offsets);
}

function explainMissing({ message, pos: [start, end] }: YAMLError, document: Document, text: string): YamlFault {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote !== undefined) return syntax(`this ${quote} is not closed`, [lastQuote(document) ?? start, end]);
  return {
    ...syntax(inParsersWords(message), [start, end]),
    suggestion: quotesForNodeSet(text, start),
  };
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

/** What to do about a node set before this offset in a list or map on one line: `[web-[01-08], db]`. */
function quotesForNodeSet(text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset + 1);
  const open = /([[{])[^"'[\]{}]*[\w-]\[/.exec(line)?.[1];
  if (open === undefined) return undefined;
  return `a node set inside ${open === "[" ? 'a list needs quotes: ["web-[01-08]"]' : 'braces needs quotes: { "web-[01-08]": }'}`;
}

function inParsersWords(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
