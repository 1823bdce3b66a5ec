const MEBIBYTE = 1024 * 1024;

/** Collects what a command prints on one stream and keeps the end of it, where errors are told. */
export class OutputTail {
  readonly #limitBytes: number;
  readonly #chunks: Buffer[] = [];
  #keptBytes = 0;
  #cutBytes = 0;

  /** @param limitBytes how much is kept */
  constructor(limitBytes: number = MEBIBYTE) {
    this.#limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    this.#dropWholeChunks();
  }

  /** The text as UTF-8; when something was cut, its first line says how much. */
  text(): string {
    const held = Buffer.concat(this.#chunks);
    const surplus = Math.max(0, held.length - this.#limitBytes);
    if (this.#cutBytes + surplus === 0) return held.toString("utf8");
    const start = startOfCharacter(held, surplus);
    return `[${this.#cutBytes + start} bytes before this were cut]\n${held.toString("utf8", start)}`;
  }

  #dropWholeChunks(): void {
    for (let first = this.#chunks[0]; first; first = this.#chunks[0]) {
      if (this.#keptBytes - first.length < this.#limitBytes) return;
      this.#chunks.shift();
      this.#keptBytes -= first.length;
      this.#cutBytes += first.length;
    }
  }
}

/** The first position from `start` on at which a UTF-8 character begins. */
function startOfCharacter(bytes: Buffer, start: number): number {
  const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
  let position = start;
  while (position < start + 3 && isContinuation(bytes[position])) position += 1;
  return position;
}
