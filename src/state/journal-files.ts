import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What a journal needs of the file system. */
export interface JournalFiles {
  /**
   * Makes a new file, and the folders above it, that survives a power cut, and opens it.
   * @throws Error when that cannot be, or there is one of this name
   */
  create(file: string): number;
  /** @returns how many of the bytes were written, at least one. @throws Error when none can be */
  write(fd: number, bytes: Uint8Array): number;
  /** @param done told when all that was written survives a power cut, or why it does not */
  sync(fd: number, done: (error: Error | null) => void): void;
  /** @throws Error when something that was written is lost */
  close(fd: number): void;
}

/** Files that only their owner can read. */
export const systemFiles: JournalFiles = {
  create(file) {
    const made = mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // wx: an id that exists already is another rollout's.
    const fd = openSync(file, "wx", 0o600);
    try {
      for (const folder of foldersTo(dirname(file), made)) syncFolder(folder);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  },
  write: writeSync,
  sync: fdatasync,
  close: closeSync,
};

/** A folder that holds something new, and those above it that do as well. @param made the uppermost that is new */
function foldersTo(folder: string, made: string | undefined): string[] {
  if (made === undefined) return [folder];
  const folders = [folder];
  for (let at = folder; at !== dirname(made); at = dirname(at)) folders.push(dirname(at));
  return folders;
}

/** What file systems say that cannot do it for folders, or do not let us read this one. */
const NOT_TO_BE_HAD: readonly unknown[] = ["EINVAL", "ENOTSUP", "EISDIR", "EACCES", "EPERM"];

/** A file survives a power cut only if its folder knows of it. */
function syncFolder(folder: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(folder, "r");
    fsyncSync(fd);
  } catch (error) {
    if (!NOT_TO_BE_HAD.includes((error as NodeJS.ErrnoException).code)) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
