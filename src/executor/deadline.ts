/** When something has to be there at the latest. */
export class Deadline {
  private readonly atMs: number;

  constructor(timeoutMs: number) {
    this.atMs = performance.now() + timeoutMs;
  }

  get leftMs(): number {
    return Math.max(0, this.atMs - performance.now());
  }

  /**
   * Resolves with undefined if the promise takes longer. The timer keeps the process alive for as long as this is
   * awaited, and no longer.
   */
  async of<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, this.leftMs, undefined)));
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
