/** `one at a time`, `3 at a time`. */
export function atATime(number: number): string {
  return `${number === 1 ? "one" : number} at a time`;
}

/** Lines under a title, after an empty line; nothing without lines. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}
