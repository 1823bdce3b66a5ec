import { readReference, type Reference } from "./environment.ts";
import { QuoteTracker, type QuoteState } from "./shell-quotes.ts";

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "placeholder"; readonly name: string }
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "malformed_reference" };

/** A piece of a check or hook, with the quote that is open before it when the text is read as a shell's line. */
export type TemplatePart = Token & { readonly within: QuoteState };

/**
 * In this order: `$${`, `${NAME}` and `${NAME:-default}`, `{{name}}` for the text `{name}`, the placeholder `{name}`.
 * Other braces are text: `{a,b}`, `{}`, `{ x; }`, `{"json": 1}`, `{{.State.Running}}`.
 */
const TOKEN =
  /\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-([^{}]*))?\})?|\{(\{[A-Za-z_]\w*(?:\.[\w-]*)?\})\}|\{([A-Za-z_]\w*(?:\.[\w-]*)?)\}/g;

/** Takes a template apart. Every text is one: whether its parts are right is judged elsewhere. */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const quotes = new QuoteTracker();
  const add = (token: Token) => {
    if (token.kind === "text" && token.text === "") return;
    parts.push({ ...token, within: quotes.state });
    // A filled-in value counts as a letter: a `#` behind it begins no comment, and an escape before it is over.
    quotes.read(token.kind === "text" ? token.text : "x");
  };
  let end = 0;
  for (const match of template.matchAll(TOKEN)) {
    add({ kind: "text", text: template.slice(end, match.index) });
    add(tokenOf(match));
    end = match.index + match[0].length;
  }
  add({ kind: "text", text: template.slice(end) });
  return parts;
}

function tokenOf(match: RegExpMatchArray): Token {
  const [, , , literal, name] = match;
  if (literal !== undefined) return { kind: "text", text: literal };
  if (name !== undefined) return { kind: "placeholder", name };
  const reference = readReference(match);
  if (reference === "literal") return { kind: "text", text: "${" };
  return reference === "malformed" ? { kind: "malformed_reference" } : { kind: "reference", reference };
}
