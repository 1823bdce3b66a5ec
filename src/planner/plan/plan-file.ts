import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Diagnostic, Fault, SourceRange } from "../text/diagnostic.ts";
import { nearest } from "../schema/nearest.ts";

/** Reads a plan's text; `file` is named in the diagnostic as it was given. */
export function readPlanFile(file: string): { readonly text: string } | { readonly diagnostic: Diagnostic } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return { diagnostic: { file, path: "", ...explainReadError(file, error as NodeJS.ErrnoException) } };
  }
  if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)) {
    return {
      diagnostic: { file, code: "not_utf8", path: "", message: "the file is UTF-16", suggestion: "save it as UTF-8" },
    };
  }
  const text = decode(bytes);
  if (text !== undefined) return { text };
  return {
    diagnostic: {
      file,
      code: "not_utf8",
      path: "",
      ...firstBadByte(bytes),
      message: "the file is not UTF-8 here",
      suggestion: "save it as UTF-8",
    },
  };
}

function explainReadError(file: string, { code, message }: NodeJS.ErrnoException): Fault {
  const unreadable = (why: string): Fault => ({ code: "file_unreadable", message: why });
  switch (code ?? "") {
    case "ENOENT": {
      const near = neighbour(file);
      const suggestion = near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
      return { code: "file_not_found", message: "there is no such file", suggestion };
    }
    case "EISDIR":
      return unreadable("this is a directory, not a plan");
    case "ENOTDIR":
      return unreadable("a part of this path is a file, not a directory");
    case "EACCES":
      return unreadable("permission to read the file is denied");
    default:
      return unreadable(`the file cannot be read (${code ?? message})`);
  }
}

/** A file in the same directory as the missing one, with nearly its name. */
function neighbour(file: string): string | undefined {
  const folder = dirname(file);
  try {
    const near = nearest(basename(file), readdirSync(folder));
    return near === undefined ? undefined : join(folder, near);
  } catch {
    return undefined;
  }
}

/** The text without its byte order mark; undefined when it is not UTF-8. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Buffer, ...start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** No character has a newline's byte within it, so that the faulty line can be judged alone. */
function firstBadByte(bytes: Buffer): Omit<SourceRange, "file"> {
  let start = 0;
  for (let line = 1; ; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const bytesOfLine = bytes.subarray(start, end);
    if (newline === -1 || decode(bytesOfLine) === undefined) {
      const sourceLine = bytesOfLine.toString("utf8");
      const column = sourceLine.indexOf("\uFFFD") + 1;
      return { line, column, endLine: line, endColumn: column + 1, sourceLine };
    }
    start = newline + 1;
  }
}
