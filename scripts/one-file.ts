import { brotliCompressSync } from "node:zlib";

/** A part of a program that is loaded when it is wanted. */
export interface Part {
  /** CommonJS. */
  readonly code: string;
  /** Compressed it takes less of every start's time, and more of its own. */
  readonly compressed: boolean;
}

/** What the main part calls to load another. */
export const LOADER = "loadPart";

/**
 * One file of a main part and others of which a start reads only those that it loads. V8 reads all code of a file at
 * its start, be it called or not, and for 2 MB takes half as long again as Node itself. What stands in a comment it
 * passes over; a function can be asked for its own text, comments included, whatever has become of the file by then.
 *
 * @param main CommonJS that calls {@link LOADER} with the name of a part for what that exports
 * @param notices ends the file, as a comment
 * @throws Error for code that cannot stand in a comment of one line
 */
export function inOneFile(main: string, parts: Readonly<Record<string, Part>>, notices: string): string {
  const functions = Object.entries(parts).map(
    ([name, part]) =>
      `// ${name}${part.compressed ? ", compressed by brotli, in base64" : ""}: ${LOADER}() runs it.\n` +
      `function ${name}Part() {//${inComment(part)}\n}\n`,
  );
  return `${main}${loaderOf(Object.keys(parts))}${functions.join("")}/*\n${notices.replaceAll("*/", "* /")}*/\n`;
}

const COMPRESSED = "#";
/** Stands for the end of a line. */
const NEWLINE = "\x01";

function inComment({ code, compressed }: Part): string {
  if (compressed) return `${COMPRESSED}${brotliCompressSync(code).toString("base64")}`;
  // Beyond ASCII, which esbuild keeps to unless it is set otherwise, are more ends of lines.
  if (/[\r\x01\x80-\uffff]/.test(code)) throw new Error("a part has characters that cannot stand in a comment");
  return code.replaceAll("\n", NEWLINE);
}

function loaderOf(names: readonly string[]): string {
  return `
function ${LOADER}(name) {
  const whole = String({ ${names.map((name) => `${name}: ${name}Part`).join(", ")} }[name]);
  const text = whole.slice(whole.indexOf("//") + 2, whole.lastIndexOf("\\n"));
  const code = text.startsWith(${JSON.stringify(COMPRESSED)})
    ? require("node:zlib").brotliDecompressSync(Buffer.from(text.slice(1), "base64")).toString()
    : text.replaceAll(${JSON.stringify(NEWLINE)}, "\\n");
  const part = { exports: {} };
  require("node:vm").compileFunction(code, ["exports", "require", "module", "__filename", "__dirname"], {
    filename: __filename + "/" + name,
  })(part.exports, require, part, __filename, __dirname);
  return part.exports;
}
`;
}
