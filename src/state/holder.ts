import { randomBytes } from "node:crypto";
import { StringDecoder } from "node:string_decoder";
import { SessionFraming, type SessionReply } from "../domain/session-framing.ts";
import { Deadline } from "../executor/deadline.ts";
import type { SpawnedProcess, RunOutcome } from "../executor/ports.ts";

/** What a holder answers to `take`. */
export type Taken =
  /** @property name of the supervisord, as its lock files have it */
  | { readonly kind: "held"; readonly name: string }
  /** The records are those of all who have held it, in any order. */
  | { readonly kind: "locked"; readonly group: string; readonly records: string }
  | { readonly kind: "broken"; readonly reason: string };

/** A session is there in a tenth of a second; for one that takes longer a change does not wait. */
const OPENING_PATIENCE_MS = 2000;

/**
 * The controller's end of one holder process (see HOLDER_SCRIPT): lines out, answers in.
 * Once it has ended, whatever the reason, it is of no use.
 */
export class Holder {
  /** Resolves with the reason once it has ended or its connection was lost. */
  readonly ended: Promise<string>;
  private readonly token: string;
  private readonly process: SpawnedProcess;
  /** Of the session's output; undefined once there is none that can be used. */
  private session: SessionFraming | undefined;
  private sessionReplied: (reply: SessionReply) => void = () => undefined;
  private readonly jobs = new Map<number, (outcome: RunOutcome) => void>();
  private lastId = 0;
  /** What may be the beginning of an answer. */
  private partial = "";
  private taken: ((taken: Taken) => void) | undefined;
  /** Those who wait for the answer to their beat, in the order of the beats. */
  private readonly beaten: (() => void)[] = [];
  private opening: Promise<unknown> | undefined;
  private hasEnded = false;
  private released = false;

  /** @param hasSession whether the process was given the command of a session */
  constructor(token: string, process: SpawnedProcess, hasSession: boolean) {
    this.token = token;
    this.process = process;
    this.session = hasSession ? new SessionFraming(randomBytes(8).toString("hex")) : undefined;
    const decoder = new StringDecoder("utf8");
    process.stream.on("data", (chunk: Buffer) => this.read(decoder.write(chunk)));
    this.ended = process.closed.then(() => this.end());
  }

  get isOver(): boolean {
    return this.hasEnded;
  }

  get isBusy(): boolean {
    return this.jobs.size > 0;
  }

  /** True if it ended because it had heard nothing of us for too long. */
  get hasReleased(): boolean {
    return this.released;
  }

  /** Tries to get the locks. */
  take(record: string): Promise<Taken> {
    return new Promise((resolve) => {
      this.taken = resolve;
      this.send(`take ${record}`);
    });
  }

  /** Shows it that we are there; resolves when it has answered. */
  beat(): Promise<void> {
    return new Promise((resolve) => {
      this.beaten.push(resolve);
      this.send("beat");
    });
  }

  /** Runs a shell's line in a process of its own. @param timeoutS 0: for as long as it takes */
  run(line: string, stdin: string, timeoutS: number): Promise<RunOutcome> {
    return this.job((id) => this.send(`run ${id} ${timeoutS} ${escaped(line)} ${escaped(stdin)}`));
  }

  /** Starts the session, if there is to be one. Resolves when it can be used, or is not worth the wait. */
  async openSession(): Promise<void> {
    const session = this.session;
    if (!session || this.hasEnded) return;
    if (!this.opening) {
      this.send("start");
      this.opening = new Deadline(OPENING_PATIENCE_MS).of(this.toSession(session.open()));
    }
    await this.opening;
  }

  /** Gives a command to the session; undefined if that is not idle. Its answer is the stdout of the outcome. */
  runInSession(command: string): Promise<RunOutcome> | undefined {
    const session = this.session;
    if (!session?.isIdle || this.hasEnded) return undefined;
    return this.job((id) => {
      void this.toSession(session.ask(command)).then((reply) => {
        if (reply.kind === "answered") this.done(id, { kind: "exited", code: 0, stdout: reply.text, stderr: "" });
        else this.done(id, { kind: "indeterminate", reason: reply.reason });
      });
    });
  }

  /** Lets it end: at once, or as soon as what runs under it has. */
  finish(): void {
    this.process.stream.end();
  }

  /** Gives it up: its connection is of no use. */
  destroy(): void {
    this.process.stream.destroy();
  }

  private job(begin: (id: number) => void): Promise<RunOutcome> {
    if (this.hasEnded) return Promise.resolve({ kind: "unreachable", reason: "the lock's holder has ended" });
    return new Promise((resolve) => {
      const id = ++this.lastId;
      this.jobs.set(id, resolve);
      begin(id);
    });
  }

  private done(id: number, outcome: RunOutcome): void {
    this.jobs.get(id)?.(outcome);
    this.jobs.delete(id);
  }

  private send(line: string): void {
    if (!this.hasEnded) this.process.stream.write(`${line}\n`);
  }

  private toSession(text: string): Promise<SessionReply> {
    const reply = new Promise<SessionReply>((resolve) => (this.sessionReplied = resolve));
    this.send(`write ${escaped(text)}`);
    return reply;
  }

  private read(text: string): void {
    const before = `\n${this.token} `;
    let rest = this.partial + text;
    for (let at = rest.indexOf(before); at !== -1; at = rest.indexOf(before)) {
      this.readSession(rest.slice(0, at));
      rest = rest.slice(at);
      const end = rest.indexOf("\n", before.length);
      if (end === -1) break;
      this.answered(rest.slice(before.length, end));
      rest = rest.slice(end + 1);
    }
    const at = startOfPartial(rest, before);
    this.readSession(rest.slice(0, at));
    this.partial = rest.slice(at);
  }

  private readSession(text: string): void {
    const reply = this.session?.read(text);
    if (reply?.kind === "lost") this.loseSession(reply.reason);
    else if (reply) this.sessionReplied(reply);
  }

  private loseSession(reason: string): void {
    this.session = undefined;
    this.sessionReplied({ kind: "lost", reason });
  }

  private answered(answer: string): void {
    const [word = "", first = "", second = ""] = answer.split(" ");
    switch (word) {
      case "beat":
        this.beaten.shift()?.();
        break;
      case "held":
        this.taken?.({ kind: "held", name: first });
        break;
      case "locked":
        this.taken?.({ kind: "locked", group: first, records: textOf(second) });
        break;
      case "broken":
        this.taken?.({ kind: "broken", reason: answer.slice("broken ".length) });
        break;
      case "done":
        this.done(Number(first), outcomeOf(textOf(second)));
        break;
      case "closed":
        this.loseSession("supervisorctl ended in the middle of it");
        break;
      case "silent":
        this.released = true;
    }
  }

  private end(): string {
    this.hasEnded = true;
    const said = this.process.stderr().trim();
    const reason = said === "" ? "the connection to the lock's holder was lost" : said;
    for (const id of this.jobs.keys()) this.done(id, { kind: "indeterminate", reason });
    this.loseSession(reason);
    this.taken?.({ kind: "broken", reason });
    return reason;
  }
}

/** Where in a text an answer may start whose end has not come: at its `before`, or at the first half of that. */
function startOfPartial(text: string, before: string): number {
  const at = text.lastIndexOf("\n");
  const last = text.slice(at);
  return at !== -1 && (last.startsWith(before) || before.startsWith(last)) ? at : text.length;
}

/** What ran in a process of its own has printed, then `|` and the exit code. */
function outcomeOf(output: string): RunOutcome {
  const [, stdout = "", code = "0"] = /^([^]*)\|(\d+)$/.exec(output) ?? [];
  return { kind: "exited", code: Number(code), stdout, stderr: "" };
}

function textOf(hexadecimal: string): string {
  return Buffer.from(hexadecimal, "hex").toString("utf8");
}

/** As printf's %b reads it back: as one word, in which a shell finds nothing to match files with. */
function escaped(line: string): string {
  return line.replace(/[\\\x00-\x20*?[]/g, (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
