/** What a process saves by living long: so many exits in quick succession are its own affair. */
const MOST_SAVED = 3;

/** Watches how often an instance exits: it may do so every `min_healthy_time` on average, lately, and not more often. */
export class ExitPace {
  private readonly everyMs: number;
  /** How many exits it may have at `sinceMs`. Each costs one, and each `everyMs` without one gives one. */
  private saved = 1;
  private sinceMs: number;

  constructor(everyMs: number, nowMs: number) {
    this.everyMs = everyMs;
    this.sinceMs = nowMs;
  }

  /** Counts exits since the last ones. False if it has exited too often. */
  exited(exits: number, nowMs: number): boolean {
    const earned = this.everyMs === 0 ? Infinity : (nowMs - this.sinceMs) / this.everyMs;
    this.saved = Math.min(MOST_SAVED, this.saved + earned - exits);
    this.sinceMs = nowMs;
    return this.saved >= 0;
  }
}
