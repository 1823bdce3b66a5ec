import type { YAMLError } from "yaml";

interface Explanation {
  readonly message: string;
  readonly suggestion?: string;
}

/** Says in an operator's words what the YAML parser stumbled over. */
export function explainYamlError(error: YAMLError, text: string): Explanation {
  const [start, end] = error.pos;
  const written = text.slice(start, end);
  switch (error.code) {
    case "BAD_SCALAR_START":
      return { message: `a value that begins with ${JSON.stringify(text[start])} needs quotes`, ...quoted(restOfValue(text, start)) };
    case "BAD_ALIAS":
      return { message: "a glob needs quotes: in YAML a bare * begins an alias", ...quoted(restOfValue(text, start)) };
    case "TAG_RESOLVE_FAILED":
      return { message: `unknown YAML tag ${JSON.stringify(written)}`, ...(/^![^!]/.test(written) && { suggestion: `an exclusion needs quotes: ${JSON.stringify(written)}` }) };
    case "TAB_AS_INDENT":
      return { message: "a tab cannot indent YAML", suggestion: "use spaces" };
    case "MULTIPLE_DOCS":
      return { message: "a plan is one YAML document, and here a second one begins", suggestion: "take out the line `---`, or make two files of it" };
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return { message: "not valid YAML: a key cannot stand here", suggestion: 'is a line indented by mistake, or a value with ": " in it not in quotes?' };
    case "NON_STRING_KEY":
      return { message: "not valid in a plan: a key must be plain text" };
    case "RESOURCE_EXHAUSTION":
      return { message: "lists or maps are nested too deeply" };
    case "MISSING_CHAR":
      return { message: `not valid YAML: ${lowerFirst(error.message)}`, ...(insideBrackets(text, start) && { suggestion: 'a node set inside a list needs quotes: ["web-[01-08]"]' }) };
    default:
      return { message: `not valid YAML: ${lowerFirst(error.message)}` };
  }
}

function restOfValue(text: string, start: number): string {
  return /^[^\s,\]}#]*/.exec(text.slice(start, start + 200))?.[0] ?? "";
}

function quoted(value: string): { suggestion?: string } {
  return value === "" ? {} : { suggestion: `write ${JSON.stringify(value)}` };
}

/** Tells whether a line holds brackets in brackets before this offset: `[web-[01-08], db]`. */
function insideBrackets(text: string, offset: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset + 1);
  return /\[[^"'\]]*\w\[/.test(line);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
