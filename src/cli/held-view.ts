import type { RecordedEvent } from "../domain/events.ts";
import type { View } from "../executor/ports.ts";

/** Keeps a view from drawing until it is released: a question must not be drawn over. */
export class HeldView implements View {
  private readonly view: View;
  private held: RecordedEvent[] | undefined = [];

  constructor(view: View) {
    this.view = view;
  }

  show(event: RecordedEvent): void {
    if (this.held) this.held.push(event);
    else this.view.show(event);
  }

  /** Shows what was held back, and from now on everything at once. */
  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const event of held) this.view.show(event);
  }

  /** A view that never was released has nothing to end. */
  end(): Promise<void> {
    return this.held ? Promise.resolve() : this.view.end();
  }
}
