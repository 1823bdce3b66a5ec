import { randomBytes } from "node:crypto";
import type { Argv } from "../../executor/ports.ts";
import { OutputTail } from "./output-tail.ts";

const SCRIPT = 'echo "$1"; echo "$1" >&2; shift; exec "$@"';

/** A text that no profile and no command prints, as nobody can guess it. */
export function newMark(): string {
  return `orchestrate-${randomBytes(9).toString("hex")}`;
}

/**
 * A command that prints the mark as a line, on both streams, and then is the given one: everything before the mark is from the
 * login shell. A profile may print lines, or a terminal's title without the end of a line.
 */
export function markedArgv(mark: string, argv: Argv): Argv {
  return ["sh", "-c", SCRIPT, "sh", mark, ...argv];
}

/** Keeps the end of what comes behind the mark; without one the login shell itself has failed, and its words are kept. */
export class OutputBehindMark {
  private readonly line: Buffer;
  private tail = new OutputTail();
  /** The end of what has come while the mark had not: it may come in pieces. */
  private before: Buffer | undefined = Buffer.alloc(0);

  constructor(mark: string) {
    this.line = Buffer.from(`${mark}\n`);
  }

  add(chunk: Buffer): void {
    if (!this.before) return this.tail.add(chunk);
    const come = Buffer.concat([this.before, chunk]);
    const at = come.indexOf(this.line);
    if (at === -1) {
      this.before = Buffer.from(come.subarray(-this.line.length));
      return this.tail.add(chunk);
    }
    this.before = undefined;
    this.tail = new OutputTail();
    this.tail.add(come.subarray(at + this.line.length));
  }

  get isCut(): boolean {
    return this.tail.isCut;
  }

  text(): string {
    return this.tail.text();
  }
}
