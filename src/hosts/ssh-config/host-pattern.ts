/**
 * Whether one of OpenSSH's patterns (`web-*`, `db-?`) means this name, and none of them excludes it (`!web-02`).
 *
 * @param patterns in the case of the name
 */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    const excluded = pattern.startsWith("!");
    if (!matchesPattern(excluded ? pattern.slice(1) : pattern, name)) continue;
    if (excluded) return false;
    found = true;
  }
  return found;
}

/** `*` stands for any characters, `?` for one. It goes back to the last `*` only, so that no pattern takes exponential time. */
function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let afterStar = 0;
  for (let position = 0; position < name.length;) {
    if (pattern[at] === "*") {
      star = at++;
      afterStar = position;
    } else if (pattern[at] === "?" || pattern[at] === name[position]) {
      at += 1;
      position += 1;
    } else if (star !== -1) {
      at = star + 1;
      position = ++afterStar;
    } else return false;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
