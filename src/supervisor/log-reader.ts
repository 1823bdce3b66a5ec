import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { LogTail } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import { Deadline } from "../executor/deadline.ts";
import type { HostAccess } from "../executor/ports.ts";
import { LOG_TAIL_BYTES } from "./commands.ts";
import { fileTailArgv, logFiles } from "./log-files.ts";
import { isAsNoted, isFileOlder, logTailOf, whereItGoes, type KnownLog, type NotedLogs } from "./log-tail.ts";
import type { Stream, TailReply } from "./tail-reply.ts";

/** An instance whose logs are to be read, and by what. */
export interface LogQuestions {
  readonly access: HostAccess;
  readonly settings: SupervisorSettings;
  readonly instance: InstanceName;
  readonly config: InstanceConfig | undefined;
  /** Of before its restart. */
  readonly noted: NotedLogs | undefined;
  /** The end of a log as supervisord gives it. */
  readonly tail: (stream: Stream, timeoutMs: number) => Promise<TailReply>;
  /** Since its restart was sent; undefined if that is not known. */
  readonly msSinceRestart: () => number | undefined;
  readonly timeoutMs: number;
}

/**
 * The end of what an instance has logged since its restart. Older text is recognised by the times of its files, where the
 * configuration says where those are and the login may see them; else by what was noted before the restart.
 */
export async function readLogs(questions: LogQuestions): Promise<LogTail> {
  const { access, settings, instance, config, noted, tail, timeoutMs } = questions;
  const deadline = new Deadline(timeoutMs);
  const onDisk = await logFiles(access, settings, { instance, config, timeoutMs: timeoutMs / 4 });
  const msSinceRestart = questions.msSinceRestart();

  async function known(stream: Stream): Promise<KnownLog> {
    const file = onDisk.get(stream);
    // A pipe without a writer would hold up supervisord itself.
    if (whereItGoes(stream, config, file) !== undefined)
      return { reply: { kind: "none", why: "no log file" }, isOlder: false };
    const isOlder = isFileOlder(file, msSinceRestart);
    if (isOlder) return { reply: { kind: "text", text: "" }, isOlder };
    const reply = await tail(stream, deadline.leftMs / 2);
    if (isOlder === undefined && isAsNoted(reply, noted?.[stream])) return { reply, isOlder: true };
    const isElsewhere = reply.kind === "unreadable" && file?.kind === "file";
    return { reply: (isElsewhere ? await readFile(file.path) : undefined) ?? reply, isOlder: false };
  }

  /** Past supervisorctl, as the login may. */
  async function readFile(path: string): Promise<TailReply | undefined> {
    const outcome = await access.run(fileTailArgv(path, LOG_TAIL_BYTES[0]), { timeoutMs: deadline.leftMs });
    return outcome.kind === "exited" && outcome.code === 0 ? { kind: "text", text: outcome.stdout } : undefined;
  }

  const [stderr, stdout] = await Promise.all([known("stderr"), known("stdout")]);
  return logTailOf({ stderr, stdout }, config, onDisk);
}
