import type { Output } from "../../executor/ports.ts";

const MEBIBYTE = 1024 * 1024;

/** How much of a long-lived command's stderr is kept. */
export const STDERR_BYTES = 4096;

/** Collects what a command prints on one stream and keeps the end of it, where errors are reported. */
export class OutputTail {
  private readonly limitBytes: number;
  /** Copied, since a chunk of one byte may keep a whole packet in memory. */
  private held = Buffer.alloc(0);
  private heldBytes = 0;
  private cutBytes = 0;

  /** @param limitBytes how much is kept */
  constructor(limitBytes: number = MEBIBYTE) {
    this.limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(Math.max(0, chunk.length - this.limitBytes));
    this.cutBytes += chunk.length - kept.length;
    if (this.heldBytes + kept.length > this.held.length) this.makeRoom(kept.length);
    kept.copy(this.held, this.heldBytes);
    this.heldBytes += kept.length;
  }

  /** True once more has come than is kept. */
  get isCut(): boolean {
    return this.cutBytes > 0 || this.heldBytes > this.limitBytes;
  }

  /** The text as UTF-8; when something was cut, its first line says how much. */
  text(): string {
    const surplus = Math.max(0, this.heldBytes - this.limitBytes);
    if (this.cutBytes + surplus === 0) return this.held.toString("utf8", 0, this.heldBytes);
    const start = startOfCharacter(this.held, surplus);
    const notice = `[${this.cutBytes + start} bytes before this were cut]\n`;
    return notice + this.held.toString("utf8", start, this.heldBytes);
  }

  /** At most twice the limit: the kept bytes are moved once per limit of new input (amortised O(1)), however small the chunks. */
  private makeRoom(bytes: number): void {
    const surplus = Math.max(0, this.heldBytes + bytes - this.limitBytes);
    const isFull = this.heldBytes + bytes > 2 * this.limitBytes;
    const from = isFull ? Math.min(surplus, this.heldBytes) : 0;
    const needed = this.heldBytes - from + bytes;
    const room = Math.min(2 * this.limitBytes, Math.max(needed, 2 * this.held.length, 4096));
    const to = room > this.held.length ? Buffer.alloc(room) : this.held;
    this.held.copy(to, 0, from, this.heldBytes);
    this.held = to;
    this.heldBytes -= from;
    this.cutBytes += from;
  }
}

/** The first position from `start` on at which a UTF-8 character begins. */
function startOfCharacter(bytes: Buffer, start: number): number {
  const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
  let position = start;
  while (position < start + 3 && isContinuation(bytes[position])) position += 1;
  return position;
}

/** What a command has printed, as far as it was kept. */
export function outputOf(stdout: Kept, stderr: Kept): Output {
  return { stdout: stdout.text(), stderr: stderr.text(), ...(stdout.isCut && { isCut: true }) };
}

type Kept = Pick<OutputTail, "isCut" | "text">;
