import type { Path } from "./document.ts";

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
