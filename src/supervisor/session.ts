import { randomBytes } from "node:crypto";
import { SessionFraming } from "../domain/session-framing.ts";
import { Deadline } from "../executor/deadline.ts";
import type { SpawnedProcess } from "../executor/ports.ts";
import { lastWords } from "./complaints.ts";
import { othersIn } from "./status-text.ts";
import { answered, unanswered, type Reply } from "./way.ts";

/** How long it may take to leave: some milliseconds are usual. */
const LEAVING_MS = 1000;

/** One interactive supervisorctl, asked one command after the other. One that does not answer as it should is closed. */
export class SupervisorctlSession {
  private readonly process: SpawnedProcess;
  private readonly framing = new SessionFraming(randomBytes(8).toString("hex"));
  private lastAsked: Promise<unknown> = Promise.resolve();
  private reply: (reply: Reply<string>) => void = () => undefined;
  /** Why it can be asked no more. */
  private over: Reply<never> | undefined;

  constructor(process: SpawnedProcess) {
    this.process = process;
    process.stream.setEncoding("utf8");
    process.stream.on("data", (text: string) => this.read(text));
    void process.closed.then(() => this.end(this.whyClosed()));
  }

  /** True once it is of no use. */
  get isOver(): boolean {
    return this.over !== undefined;
  }

  /** Waits until it can be asked. */
  async open(timeoutMs: number): Promise<Reply<SupervisorctlSession>> {
    const reply = await this.write(this.framing.open(), new Deadline(timeoutMs));
    return reply.kind === "answered" ? answered(this) : reply;
  }

  /** @param command without a line break */
  ask(command: string, timeoutMs: number): Promise<Reply<string>> {
    const deadline = new Deadline(timeoutMs);
    const reply = this.lastAsked.then(() => this.askNow(command, deadline));
    this.lastAsked = reply;
    return reply;
  }

  /** It takes the end of its stdin for a wish to leave; one that hangs does so when it can. */
  async close(): Promise<void> {
    this.end(unanswered("the session with supervisorctl was closed", { passing: true }));
    this.process.stream.end();
    await new Deadline(LEAVING_MS).of(this.process.closed);
    this.process.stream.destroy();
  }

  private async askNow(command: string, deadline: Deadline): Promise<Reply<string>> {
    if (this.over) return this.over;
    // The answer would come too late, and the session would be closed for that.
    if (deadline.leftMs === 0)
      return unanswered("the session with supervisorctl was busy with other questions", { passing: true });
    return this.write(this.framing.ask(command), deadline);
  }

  private async write(text: string, deadline: Deadline): Promise<Reply<string>> {
    if (this.over) return this.over;
    const reply = new Promise<Reply<string>>((resolve) => (this.reply = resolve));
    this.process.stream.write(text);
    return (await deadline.of(reply)) ?? this.giveUp("the session with supervisorctl did not answer in time");
  }

  private read(text: string): void {
    if (this.over) return;
    const reply = this.framing.read(text);
    if (reply?.kind === "answered") this.reply(answered(reply.text));
    if (reply?.kind === "lost") this.giveUp(reply.reason);
  }

  private giveUp(reason: string): Reply<never> {
    const over = this.end(unanswered(reason));
    void this.close();
    return over;
  }

  /** Nobody waits for an answer after this. */
  private end(why: Reply<never>): Reply<never> {
    this.over ??= why;
    this.reply(this.over);
    return this.over;
  }

  /** If it said nothing, it is most likely the connection that was lost. */
  private whyClosed(): Reply<never> {
    const said = lastWords([othersIn(this.framing.partialAnswer), this.process.stderr()].join("\n"));
    const reason = "the session with supervisorctl has ended";
    return unanswered(said === "" ? reason : `${reason}: ${said}`, { passing: said === "" });
  }
}
