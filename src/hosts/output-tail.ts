/** How much of each stream of a command is kept: its end, where errors are told. */
export const KEPT_OUTPUT_BYTES = 1024 * 1024;

/** Collects what a command prints on one stream and keeps the last {@link KEPT_OUTPUT_BYTES} of it. */
export class OutputTail {
  readonly #chunks: Buffer[] = [];
  #keptBytes = 0;
  #cutBytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    this.#dropWholeChunks();
  }

  /** The text as UTF-8; when something was cut, its first line says how much. */
  text(): string {
    const kept = Buffer.concat(this.#chunks);
    const start = startOfCharacter(kept, Math.max(0, kept.length - KEPT_OUTPUT_BYTES));
    const cutBytes = this.#cutBytes + start;
    const text = kept.toString("utf8", start);
    return cutBytes === 0 ? text : `[${cutBytes} bytes before this were cut]\n${text}`;
  }

  #dropWholeChunks(): void {
    for (let first = this.#chunks[0]; first && this.#keptBytes - first.length >= KEPT_OUTPUT_BYTES; first = this.#chunks[0]) {
      this.#chunks.shift();
      this.#keptBytes -= first.length;
      this.#cutBytes += first.length;
    }
  }
}

/** The first position from `start` on at which a UTF-8 character begins; `start` 0 is the stream's own beginning. */
function startOfCharacter(bytes: Buffer, start: number): number {
  const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
  let position = start;
  while (start > 0 && position < start + 3 && isContinuation(bytes[position])) position += 1;
  return position;
}
