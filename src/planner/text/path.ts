/** The way from the plan down to a value: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** Writes a path as the contract does: `batches.hosts`, `rollout[0].group`, `hosts["web-[1-8].example.com"].ssh`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** The JSON pointer (RFC 6901, as ajv gives it) of a part of what `pointer` names. */
export function childPointer(pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The last key of a JSON pointer; empty for the whole. */
export function lastKey(pointer: string): string {
  return unescape(pointer.slice(pointer.lastIndexOf("/") + 1));
}

/** A JSON pointer into `data` as a path, in which indexes of lists are numbers. */
export function pathOfPointer(pointer: string, data: unknown): Path {
  const path: (string | number)[] = [];
  let value = data;
  for (const escaped of pointer.split("/").slice(1)) {
    const part = Array.isArray(value) ? Number(escaped) : unescape(escaped);
    path.push(part);
    value = (value as Record<string | number, unknown>)[part];
  }
  return path;
}

function unescape(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
