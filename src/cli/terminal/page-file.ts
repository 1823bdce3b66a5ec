import { accessSync, constants, existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { printable } from "../../domain/printable.ts";
import type { View } from "../../executor/ports.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { createPage, type Page } from "../../views/page/page.ts";

/** A file that can be written, as far as can be known in advance; or why not. */
type PageFile = { readonly write: (text: string) => string | undefined } | { readonly problem: string };

/** Checks that a page can be written, before the rollout starts. Leaves no trace. */
export function openPageFile(path: string): PageFile {
  const why = whyNot(path);
  if (why !== undefined) return { problem: problemWith(path, why) };
  return {
    write(text) {
      try {
        writeWhole(path, text);
        return undefined;
      } catch (error) {
        return problemWith(path, (error as Error).message);
      }
    },
  };
}

/**
 * The view behind `--report`: it writes the page when the rollout has ended, however it has.
 *
 * @param before that of the rollout that this one reverts: the page shows both
 */
export function openPageView(
  path: string | undefined,
  called: Invocation,
  before?: Page,
): View | { readonly problem: string } | undefined {
  if (path === undefined) return undefined;
  const file = openPageFile(path);
  if ("problem" in file) return file;
  const page = createPage(called, undefined, before);
  return {
    show: (event) => page.apply(event),
    end() {
      const problem = file.write(page.html());
      if (problem !== undefined) process.stderr.write(`orchestrate: ${problem}\n`);
      return Promise.resolve();
    },
  };
}

function whyNot(path: string): string | undefined {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return "it is a folder";
    if (there) accessSync(path, constants.W_OK);
    // A page takes the place of the one before as a whole, so the folder must be writable too.
    if (there && !there.isFile()) return undefined;
    if (!statSync(dirname(path)).isDirectory()) return `${dirname(path)} is no folder`;
    accessSync(dirname(path), constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A reader never sees half a page. Anything but a regular file, such as /dev/stdout, is written directly. */
function writeWhole(path: string, text: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    writeFileSync(path, text);
    return;
  }
  // A link stays a link.
  const file = existsSync(path) ? realpathSync(path) : path;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function problemWith(path: string, why: string): string {
  return `the page cannot be written to ${printable(path)}: ${printable(why)}`;
}
