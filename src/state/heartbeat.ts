import type { Holder } from "./holder.ts";

/** How long a controller and a holder bear to hear nothing of each other. */
export interface Silence {
  /** The holder lets go after so long. */
  readonly holderMs: number;
  /** The controller begins no change after so long, which is less. */
  readonly controllerMs: number;
  readonly beatEveryMs: number;
}

/** A moment by both clocks: the monotonic one stands still while a laptop sleeps, the other may be set. */
interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Keeps a holder and its controller in hearing of each other, from the moment at which it has got the lock. */
export class Heartbeat {
  private readonly holder: Holder;
  private readonly silence: Silence;
  private readonly timer: NodeJS.Timeout;
  /** When the last beat that was answered had been sent. */
  private heard: Moment = now();
  /** When the last beat was due. */
  private ticked: Moment = now();
  private sleptBefore = false;

  constructor(holder: Holder, silence: Silence) {
    this.holder = holder;
    this.silence = silence;
    this.timer = setInterval(() => this.tick(), silence.beatEveryMs);
    void holder.ended.then(() => this.stop());
  }

  /** True if this process was stopped, or the machine slept, and no beat has been answered since. */
  get hasSlept(): boolean {
    this.sleptBefore ||= elapsedMs(this.ticked) >= this.silence.controllerMs;
    return this.sleptBefore;
  }

  /** True while the holder is known to hold: a change may begin. */
  get isHeard(): boolean {
    return !this.hasSlept && elapsedMs(this.heard) < this.silence.controllerMs;
  }

  /** Resolves when the holder has answered, which it may never do. */
  async beat(): Promise<void> {
    const sent = now();
    await this.holder.beat();
    this.heard = sent;
    this.sleptBefore = false;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const isSilent = !this.hasSlept && !this.isHeard;
    this.ticked = now();
    // Its connection may look good for long after its host is gone.
    if (isSilent) this.holder.destroy();
    else void this.beat();
  }
}

function now(): Moment {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}

function elapsedMs(since: Moment): number {
  return Math.max(Date.now() - since.wallMs, performance.now() - since.monotonicMs);
}
