import { closeSync, fdatasync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { RecordedEvent } from "../domain/events.ts";
import type { Journal } from "../executor/ports.ts";

/** A journal that was opened, or why it cannot be kept. */
export type OpenedJournal = { readonly journal: Journal } | { readonly problem: string };

/**
 * Creates the journal of a rollout: one event per line, in a file that only its owner can read.
 * @param file its path; the folders above it are made
 */
export function createJournal(file: string): OpenedJournal {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // wx: an id that exists already is another rollout's.
    return { journal: new FileJournal(openSync(file, "wx", 0o600)) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

class FileJournal implements Journal {
  readonly #fd: number;
  #pending = "";
  /** The last fsync that was begun, and the one that follows it: whoever comes before that begins shares it. */
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  append(event: RecordedEvent): void {
    this.#pending += `${JSON.stringify(event)}\n`;
  }

  async durable(): Promise<string | undefined> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#sync();
      return this.#current;
    });
    await this.#next;
    return this.#problem;
  }

  async close(): Promise<string | undefined> {
    const problem = await this.durable();
    closeSync(this.#fd);
    return problem;
  }

  #sync(): Promise<void> {
    return new Promise((resolve) => {
      try {
        // After a failure nothing more is written: a hole in the middle would be worse than a missing end.
        if (this.#problem === undefined) this.#write();
      } catch (error) {
        this.#problem = (error as Error).message;
      }
      if (this.#problem !== undefined) return resolve();
      fdatasync(this.#fd, (error) => {
        if (error) this.#problem = error.message;
        resolve();
      });
    });
  }

  #write(): void {
    let rest = Buffer.from(this.#pending);
    this.#pending = "";
    // A disk that runs full takes a part first.
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
  }
}
