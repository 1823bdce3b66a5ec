/** What a terminal might obey instead of showing: control and format characters, line separators, halves of pairs. */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Any text as one line that is safe at a terminal: what cannot be shown becomes a visible escape such as `\x1b`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => SHORT_ESCAPES[character] ?? escaped(character.codePointAt(0) ?? 0));
}

/** Text of the same length, one mark for each character that cannot be shown; lines and tabs stay, for a caret's sake. */
export function printableInPlace(text: string): string {
  return text.replace(CONTROLS, (character) => (/[\n\t]/.test(character) ? character : "\uFFFD"));
}

/** A text of several lines, such as what supervisorctl said, as one printable line. */
export function onOneLine(text: string): string {
  return printable(text.trim().replace(/\s*\n\s*/g, "; "));
}

/** A value as JSON on one line that is safe at a terminal and reads as the same value: JSON itself escapes less. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(CONTROLS, (character) =>
    Array.from({ length: character.length }, (_, unit) => inJson(character.charCodeAt(unit))).join(""),
  );
}

function inJson(codeUnit: number): string {
  return `\\u${codeUnit.toString(16).padStart(4, "0")}`;
}

function escaped(codePoint: number): string {
  const digits = codePoint.toString(16);
  if (codePoint <= 0xff) return `\\x${digits.padStart(2, "0")}`;
  return codePoint <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}
