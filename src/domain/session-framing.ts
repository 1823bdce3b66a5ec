/** What a session has answered, or why nothing that it says can be trusted from now on. */
export type SessionReply =
  { readonly kind: "answered"; readonly text: string } | { readonly kind: "lost"; readonly reason: string };

/** After this, supervisorctl would take the next lines for a name and a password. */
const PASSWORD_PROMPT = /^Server requires authentication\r?\nUsername:/m;

/** No answer is that long: 10,000 processes are 1 MB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

type State =
  | { readonly name: "new" }
  /** Up to the first mark it may print anything: a status of its own, what a shell profile says before that. */
  | { readonly name: "greeting"; readonly mark: string; readonly next: string }
  /** All that it prints between two marks is its prompt. */
  | { readonly name: "prompting"; readonly mark: string }
  | { readonly name: "idle"; readonly prompt: string }
  | { readonly name: "answering"; readonly prompt: string; readonly mark: string }
  | { readonly name: "lost" };

/**
 * Where each answer of one long-lived, interactive `supervisorctl` ends: the text to write, and what it has printed.
 *
 * supervisorctl has no framing of its own, and no exit codes in a session. So each command is followed by a mark, a
 * word that supervisorctl does not know, and its complaint about the mark ends the answer. Marks hold a nonce: a program
 * that writes prompts and complaints into its log cannot end an answer with them. And an answer must stand between two
 * prompts: a session whose output has another form has lost its step, and is never used again.
 */
export class SessionFraming {
  private readonly nonce: string;
  private marks = 0;
  private state: State = { name: "new" };
  /** Since the last complaint about a mark. */
  private output = "";

  /** @param nonce a word of letters and digits that nobody can guess and no other session has */
  constructor(nonce: string) {
    this.nonce = nonce;
  }

  /** True if it has answered everything, and can be asked. */
  get isIdle(): boolean {
    return this.state.name === "idle";
  }

  /** How much of an answer has come. */
  get partialAnswer(): string {
    const prompt = "prompt" in this.state ? this.state.prompt : "";
    return this.output.startsWith(prompt) ? this.output.slice(prompt.length) : this.output;
  }

  /** What to write first. The reply to it has no text. */
  open(): string {
    const mark = this.newMark();
    const next = this.newMark();
    this.state = { name: "greeting", mark, next };
    return `${mark}\n${next}\n`;
  }

  /**
   * What to write for a command.
   *
   * @param command without a line break
   * @throws if the session is not idle
   */
  ask(command: string): string {
    if (this.state.name !== "idle") throw new Error(`A session was asked while it was ${this.state.name}`);
    const mark = this.newMark();
    this.state = { name: "answering", prompt: this.state.prompt, mark };
    return `${command}\n${mark}\n`;
  }

  /** Takes a piece of its output. Returns the reply once that is complete. */
  read(text: string): SessionReply | undefined {
    const { state } = this;
    if (state.name === "lost") return undefined;
    this.output += text;
    if (state.name === "new") return undefined;
    if (state.name === "idle") return state.prompt.startsWith(this.output) ? undefined : this.lose(LOST_STEP);
    const printed = this.takeBefore(state.mark);
    if (printed === undefined) return this.trouble();
    switch (state.name) {
      case "greeting":
        this.state = { name: "prompting", mark: state.next };
        return this.read("");
      case "prompting":
        this.state = { name: "idle", prompt: printed };
        return { kind: "answered", text: "" };
      case "answering": {
        const { prompt } = state;
        if (!isBetween(prompt, printed)) return this.lose(LOST_STEP);
        this.state = { name: "idle", prompt };
        return { kind: "answered", text: printed.slice(prompt.length, printed.length - prompt.length) };
      }
    }
  }

  private newMark(): string {
    this.marks += 1;
    return `_${this.nonce}_${this.marks}_`;
  }

  /** Takes what was printed before the complaint about a mark, and the complaint; undefined while that is not there. */
  private takeBefore(mark: string): string | undefined {
    const complaint = `*** Unknown syntax: ${mark}`;
    const at = this.output.indexOf(complaint);
    if (at === -1) return undefined;
    const rest = this.output.slice(at + complaint.length);
    const lineBreak = /^\r?\n/.exec(rest)?.[0];
    if (lineBreak === undefined) return undefined;
    const before = this.output.slice(0, at);
    this.output = rest.slice(lineBreak.length);
    return before;
  }

  private trouble(): SessionReply | undefined {
    if (PASSWORD_PROMPT.test(this.partialAnswer)) return this.lose("supervisord asks for a password");
    if (this.output.length > LONGEST_ANSWER) return this.lose("the session with supervisorctl prints without end");
    return undefined;
  }

  private lose(reason: string): SessionReply {
    this.state = { name: "lost" };
    this.output = "";
    return { kind: "lost", reason };
  }
}

const LOST_STEP = "the session with supervisorctl has lost its step";

function isBetween(prompt: string, text: string): boolean {
  return text.length >= 2 * prompt.length && text.startsWith(prompt) && text.endsWith(prompt);
}
