/** What an interactive supervisorctl prints before it reads a line; a look-alike in a text is harmless here. */
const PROMPT = /^(?:supervisor> )+/;

type State = { readonly name: "idle" | "unusable" } | { readonly name: "awaiting"; readonly mark: string };

/**
 * The controller's end of one long-lived `supervisorctl`, for the changes on a host one after the other: without the
 * 120 ms that each new one needs to start.
 *
 * It has no exit codes and no framing, so each line is followed by a word that it cannot know; its complaint about that
 * word ends the answer. It is used only while idle with its last mark answered. One that asks for a password
 * eats what follows, and is not used any more.
 */
export class Session {
  #state: State = { name: "awaiting", mark: markOf(0) };
  #lines: string[] = [];
  #answered: ((said: string | undefined) => void) | undefined;

  get isIdle(): boolean {
    return this.#state.name === "idle";
  }

  /** Waits for the answer to the line that is sent now with this id; undefined if it ended before it had answered. */
  expect(id: number): Promise<string | undefined> {
    this.#state = { name: "awaiting", mark: markOf(id) };
    this.#lines = [];
    return new Promise((resolve) => (this.#answered = resolve));
  }

  /** A line that it has printed. */
  read(line: string): void {
    if (this.#state.name !== "awaiting") return;
    if (/^(?:supervisor> )*(?:Server requires authentication|Username:)/.test(line)) return this.end();
    if (!line.endsWith(`*** Unknown syntax: ${this.#state.mark}`)) {
      this.#lines.push(line.replace(PROMPT, ""));
      return;
    }
    this.#state = { name: "idle" };
    this.#answered?.(this.#lines.join("\n"));
    this.#answered = undefined;
  }

  /** It has ended, or can be trusted no longer. */
  end(): void {
    this.#state = { name: "unusable" };
    this.#answered?.(undefined);
    this.#answered = undefined;
  }
}

function markOf(id: number): string {
  return `_mark${id}_`;
}
