import { randomBytes } from "node:crypto";
import { Deadline } from "../executor/deadline.ts";
import type { HostProcess } from "../executor/ports.ts";
import { lastWords } from "./complaints.ts";
import { othersIn } from "./status-text.ts";
import { told, untold, type Told } from "./way.ts";

/** No answer is that long: 10,000 processes are 1 MB. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

/** It leaves in some milliseconds. */
const LEAVING_MS = 1000;

/** After this it would take what is written next for a name and a password. */
const PASSWORD_WANTED = "Server requires authentication";

/**
 * One interactive supervisorctl, asked one command after the other.
 *
 * Behind each command goes a word that supervisorctl does not know, and its complaint of that word ends the answer:
 * the prompt alone could stand in a log. Nobody can guess the word, so no log has the complaint. What stands around an
 * answer must be the prompt: a session whose talk is of another form has lost its step, is not believed, and is closed.
 */
export class Session {
  readonly #process: HostProcess;
  readonly #nonce = randomBytes(8).toString("hex");
  #marks = 0;
  #prompt: string | undefined;
  /** What it has said since the last complaint. */
  #said = "";
  #asked: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #heard: () => void = () => undefined;

  constructor(process: HostProcess) {
    this.#process = process;
    process.stream.setEncoding("utf8");
    process.stream.on("data", (chunk: string) => {
      if (!this.#isOver) this.#said += chunk;
      this.#heard();
    });
    void process.closed.then(() => this.#end());
  }

  /** True once it is of no use. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits until it can be asked. */
  async open(timeoutMs: number): Promise<Told<Session>> {
    const deadline = new Deadline(timeoutMs);
    const marks = [this.#newMark(), this.#newMark()] as const;
    this.#process.stream.write(`${marks.join("\n")}\n`);
    // It begins with a status of its own, and a shell profile may have printed anything before that.
    const greeting = await this.#readTo(marks[0], deadline);
    const prompt = greeting.kind === "told" ? await this.#readTo(marks[1], deadline) : greeting;
    if (prompt.kind === "told") {
      this.#prompt = prompt.value;
      return told(this);
    }
    void this.close();
    return prompt;
  }

  /** @param command without a line break */
  ask(command: string, timeoutMs: number): Promise<Told<string>> {
    const deadline = new Deadline(timeoutMs);
    const answer = this.#asked.then(() => this.#ask(command, deadline));
    this.#asked = answer;
    return answer;
  }

  /** It takes the end of its stdin for a wish to leave; one that hangs does so when it can. */
  async close(): Promise<void> {
    this.#end();
    this.#process.stream.end();
    await new Deadline(LEAVING_MS).of(this.#process.closed);
    this.#process.stream.destroy();
  }

  async #ask(command: string, deadline: Deadline): Promise<Told<string>> {
    // Sent now it would be answered to nobody, and the session would be closed for an answer that came too late.
    if (deadline.leftMs === 0 && !this.#isOver) return untold(NO_TURN, { passing: true });
    const mark = this.#newMark();
    const prompt = this.#prompt ?? "";
    const isInStep = prompt.startsWith(this.#said);
    if (isInStep && !this.#isOver) this.#process.stream.write(`${command}\n${mark}\n`);
    const answer = isInStep ? await this.#readTo(mark, deadline) : LOST_STEP;
    if (answer.kind === "told" && isWithin(answer.value, prompt))
      return told(answer.value.slice(prompt.length, answer.value.length - prompt.length));
    void this.close();
    return answer.kind === "told" ? LOST_STEP : answer;
  }

  #newMark(): string {
    this.#marks += 1;
    return `_${this.#nonce}_${this.#marks}_`;
  }

  /** What it says before it complains of the mark. */
  async #readTo(mark: string, deadline: Deadline): Promise<Told<string>> {
    const complaint = `*** Unknown syntax: ${mark}`;
    for (;;) {
      const heard = new Promise<void>((resolve) => (this.#heard = resolve));
      const end = this.#said.indexOf(complaint);
      const rest = this.#said.slice(end + complaint.length);
      const line = /^\r?\n/.exec(rest)?.[0];
      if (end !== -1 && line !== undefined) {
        const before = this.#said.slice(0, end);
        this.#said = rest.slice(line.length);
        return told(before);
      }
      if (this.#isOver) return this.#ended();
      if (this.#wantsPassword()) return untold("supervisord asks for a password");
      if (this.#said.length > LONGEST_ANSWER) return untold("the session with supervisorctl talks without end");
      if (deadline.leftMs === 0) return untold("the session with supervisorctl gave no answer in time");
      await deadline.of(heard);
    }
  }

  #wantsPassword(): boolean {
    if (this.#prompt !== undefined) return this.#answer().startsWith(PASSWORD_WANTED);
    return this.#said.split(/\r?\n/).includes(PASSWORD_WANTED);
  }

  /** What it has said of its answer so far. */
  #answer(): string {
    const prompt = this.#prompt ?? "";
    return this.#said.startsWith(prompt) ? this.#said.slice(prompt.length) : this.#said;
  }

  /** Without a word it is most likely the connection that was lost. */
  #ended() {
    const said = lastWords([othersIn(this.#answer()), this.#process.stderr()].join("\n"));
    const reason = "the session with supervisorctl has ended";
    return untold(said === "" ? reason : `${reason}: ${said}`, { passing: said === "" });
  }

  #end(): void {
    this.#isOver = true;
    this.#heard();
  }
}

const NO_TURN = "the session with supervisorctl was busy with other questions";

const LOST_STEP = untold("the session with supervisorctl has lost its step");

function isWithin(text: string, prompt: string): boolean {
  return text.length >= 2 * prompt.length && text.startsWith(prompt) && text.endsWith(prompt);
}
