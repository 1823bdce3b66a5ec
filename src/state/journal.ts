import type { RecordedEvent } from "../domain/events.ts";
import type { Journal } from "../executor/ports.ts";
import { systemFiles, type JournalFiles } from "./journal-files.ts";

/** A journal that was opened, or why it cannot be kept. */
export type OpenedJournal = { readonly journal: Journal } | { readonly problem: string };

/**
 * Creates the journal of a rollout: one event per line, in a file that only its owner can read.
 * @param file its path; the folders above it are made
 */
export function createJournal(file: string, files: JournalFiles = systemFiles): OpenedJournal {
  try {
    return { journal: new FileJournal(file, files) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

class FileJournal implements Journal {
  private readonly file: string;
  private readonly files: JournalFiles;
  private readonly fd: number;
  private pending = "";
  /** The fsync that was started last, and the one that follows it, which all callers before its start share. */
  private current: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private problem: string | undefined;
  private isClosed = false;
  private closed: Promise<string | undefined> | undefined;

  /** @throws Error when there can be no such file */
  constructor(file: string, files: JournalFiles) {
    this.file = file;
    this.files = files;
    this.fd = files.create(file);
  }

  append(event: RecordedEvent): void {
    this.pending += `${JSON.stringify(event)}\n`;
  }

  async durable(): Promise<string | undefined> {
    this.next ??= this.current.then(() => {
      this.next = undefined;
      this.current = this.sync();
      return this.current;
    });
    await this.next;
    return this.problem;
  }

  close(): Promise<string | undefined> {
    return (this.closed ??= this.closeNow());
  }

  private async closeNow(): Promise<string | undefined> {
    await this.durable();
    // The number of the file may soon be another one's.
    this.isClosed = true;
    await this.current;
    try {
      this.files.close(this.fd);
    } catch (error) {
      this.fail(error as Error);
    }
    return this.problem;
  }

  private sync(): Promise<void> {
    return new Promise((resolve) => {
      // After a failure nothing more is written: a hole in the middle would be worse than a missing end.
      if (this.isClosed || this.problem !== undefined) return resolve();
      try {
        this.write();
      } catch (error) {
        this.fail(error as Error);
        return resolve();
      }
      this.files.sync(this.fd, (error) => {
        if (error) this.fail(error);
        resolve();
      });
    });
  }

  private write(): void {
    let rest = Buffer.from(this.pending);
    this.pending = "";
    // A disk that runs full takes a part first.
    while (rest.length > 0) rest = rest.subarray(this.files.write(this.fd, rest));
  }

  /** For good: an fsync that follows a failed one says nothing of what that has lost. */
  private fail({ message }: Error): void {
    this.problem ??= `${this.file}: ${message}`;
  }
}
