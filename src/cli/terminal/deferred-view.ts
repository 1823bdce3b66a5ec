import type { RecordedEvent } from "../../domain/events.ts";
import type { View } from "../../executor/ports.ts";

/** Keeps events until the view is opened: an open one owns the terminal and would draw over questions. */
export class DeferredView implements View {
  private readonly held: RecordedEvent[] = [];
  private view: View | undefined;

  get isOpen(): boolean {
    return this.view !== undefined;
  }

  show(event: RecordedEvent): void {
    if (this.view) this.view.show(event);
    else this.held.push(event);
  }

  /** Shows what was held back, and from now on everything at once. */
  release(view: View): void {
    this.view = view;
    for (const event of this.held.splice(0)) view.show(event);
  }

  end(): Promise<void> {
    return this.view?.end() ?? Promise.resolve();
  }
}
