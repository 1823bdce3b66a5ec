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
    case "UNEXPECTED_TOKEN":
      return quotesForValue(start, text) ?? syntax(inOurWords(error.message), [start, end]);
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return {
        ...syntax("a key cannot stand here", [start, start + valueAt(text, start).length]),
        suggestion:
          colonWithoutBlank(start, text) ?? 'is a line indented by mistake, or a value with ": " in it not in quotes?',
      };
    case "NON_STRING_KEY":
      return { offsets: [start, end], code: "yaml_key", message: "a key of a plan must be plain text" };
    case "BAD_INDENT":
      return explainIndent(error.message, start, text);
    case "MISSING_CHAR":
      return explainMissing(error, document, text);
    default:
      return syntax(inOurWords(error.message), [start, end]);
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

/** `programs:web` is a word and no key. */
function colonWithoutBlank(start: number, text: string): string | undefined {
  const [, key, value] = /^([A-Za-z_]+):([^\s:/]+)\n/.exec(text.slice(start, start + 200)) ?? [];
  return key && `a colon needs a blank after it: "${key}: ${value}"`;
}

/** A value that begins with a bracket or brace and continues behind it: `{address}:8080`, `[1-3]-web`. */
function quotesForValue(offset: number, text: string): YamlFault | undefined {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const line = /^[^\n]*/.exec(text.slice(lineStart))?.[0] ?? "";
  const [, before = "", value = ""] = /^(\s*(?:- +)?(?:[^\s"'[{][^"'[{]*: +)?)([[{].*?)\s*$/.exec(line) ?? [];
  if (value === "" || offset < lineStart + before.length) return undefined;
  const start = lineStart + before.length;
  // What the bracket or brace encloses has ended, and the value has not.
  const enclosed = text.slice(start, offset);
  if (enclosed.split(/[[{]/).length !== enclosed.split(/[\]}]/).length || /[\]}]/.test(text[offset] ?? ""))
    return undefined;
  return {
    offsets: [start, start + value.length],
    code: "yaml_quotes",
    message: `a value that begins with ${JSON.stringify(value[0])} needs quotes`,
    suggestion: `write ${JSON.stringify(value)}`,
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
  return syntax(inOurWords(message), offsets);
}

function explainMissing({ message, pos: [start, end] }: YAMLError, document: Document, text: string): YamlFault {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote !== undefined) return syntax(`this ${quote} is not closed`, [lastQuote(document) ?? start, end]);
  const suggestion = quotesForNodeSet(text, start);
  if (suggestion === undefined) return syntax(inOurWords(message), [start, end]);
  return {
    offsets: [start, end],
    code: "yaml_quotes",
    message: 'a node set needs quotes here: "[" begins a list',
    suggestion,
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

/** The parser's messages that occur in plans; any other stays as it is. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Unexpected scalar at node end/, "text follows the end of a value: is it not in quotes, or is a comma missing?"],
  [/^Missing , or : between flow/, "a comma is missing, or a text with brackets in it needs quotes"],
  [/^Missing , between/, "a comma is missing"],
  [/^Implicit (map )?keys? need/, "a key needs a colon and a blank after it"],
  [/^Unexpected flow-seq-end/, 'a "]" without its "["'],
  [/^Unexpected flow-map-end/, 'a "}" without its "{"'],
  [/^Unexpected double-quoted-scalar|^Unexpected single-quoted-scalar/, "text in quotes follows the end of a value"],
  [/^Unexpected block-map/, "a key stands where a value has ended: check the indentation"],
  [/^Unexpected block-seq/, "a list stands where a value has ended: check the indentation"],
  [/^Invalid escape sequence/, "a backslash in double quotes needs a second one, or single quotes around the text"],
];

function inOurWords(message: string): string {
  const words = WORDS.find(([parsers]) => parsers.test(message))?.[1];
  if (words !== undefined) return words;
  return message.charAt(0).toLowerCase() + message.slice(1);
}
