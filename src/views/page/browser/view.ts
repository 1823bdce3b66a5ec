import type { PageData, Steps } from "../page-data.ts";

/** The shortest time to zoom to: status checks are further apart. */
const SHORTEST_MS = 500;

/** The part of the rollout's time that all drawings show. */
export class TimeView {
  readonly data: PageData;
  fromMs = 0;
  toMs: number;
  private readonly onChange: (() => void)[] = [];

  constructor(data: PageData) {
    this.data = data;
    this.toMs = this.end;
  }

  /** A little after the last event, so that the last state of the last instance is visible. */
  get end(): number {
    return Math.max(1, this.data.lengthMs * 1.015);
  }

  changed(listener: () => void): void {
    this.onChange.push(listener);
  }

  /** Where a time stands in a drawing of this width; outside of it if it is not shown. */
  x(atMs: number, width: number): number {
    return ((atMs - this.fromMs) / (this.toMs - this.fromMs)) * width;
  }

  /** The time that stands at a place of a drawing. */
  at(x: number, width: number): number {
    return this.fromMs + (x / width) * (this.toMs - this.fromMs);
  }

  show(fromMs: number, toMs: number): void {
    const length = Math.min(this.end, Math.max(SHORTEST_MS, toMs - fromMs));
    this.fromMs = Math.max(0, Math.min(this.end - length, fromMs));
    this.toMs = this.fromMs + length;
    for (const listener of this.onChange) listener();
  }

  zoom(to: string): void {
    const length = this.toMs - this.fromMs;
    const middle = this.fromMs + length / 2;
    if (to === "in") this.show(middle - length / 4, middle + length / 4);
    else if (to === "out") this.show(middle - length, middle + length);
    else if (to === "earlier") this.show(this.fromMs - length / 2, this.toMs - length / 2);
    else if (to === "later") this.show(this.fromMs + length / 2, this.toMs + length / 2);
    else this.show(0, this.end);
  }
}

/** Calls back with each step that is shown, from when until when and with its value. */
export function eachStep(
  steps: Steps,
  view: Pick<TimeView, "fromMs" | "toMs" | "end">,
  draw: (value: number, fromMs: number, toMs: number) => void,
): void {
  for (let index = 0; index < steps.length; index += 2) {
    const fromMs = steps[index] ?? 0;
    const toMs = steps[index + 2] ?? view.end;
    if (toMs >= view.fromMs && fromMs <= view.toMs) draw(steps[index + 1] ?? 0, fromMs, toMs);
  }
}

/** The value of steps at a time. */
export function valueAt(
  steps: Steps,
  atMs: number,
): { readonly value: number; readonly fromMs: number; readonly toMs?: number } {
  let index = 0;
  while (index + 2 < steps.length && (steps[index + 2] ?? 0) <= atMs) index += 2;
  const toMs = steps[index + 2];
  return { value: steps[index + 1] ?? 0, fromMs: steps[index] ?? 0, ...(toMs !== undefined && { toMs }) };
}
