import { whyNotAddressable } from "../domain/address.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import { Deadline } from "../executor/deadline.ts";
import type { HostAccess } from "../executor/ports.ts";
import { lastWords } from "./complaints.ts";
import { sessionArgv, tailBytes, tailLine } from "./commands.ts";
import { SupervisorctlSession } from "./session.ts";
import { parseAvail, parsePid } from "./replies.ts";
import { othersIn, parseStatus } from "./status-text.ts";
import { isCutCharacter, readTail } from "./tail-reply.ts";
import { answered, unanswered, type QuickWay, type Reply } from "./way.ts";

/** A session opens in a tenth of a second. One that takes longer continues to open while other ways answer. */
const OPENING_PATIENCE_MS = 2000;

/**
 * Asks through one long-lived supervisorctl, which spares the host the start of a Python for each question.
 *
 * @param openingMs longest that it may take to open one
 * @param patienceMs how long of that the first question waits for it
 */
export function sessionWay(
  access: HostAccess,
  settings: SupervisorSettings,
  openingMs: number,
  patienceMs = OPENING_PATIENCE_MS,
): QuickWay {
  let opened: Opening | undefined;

  async function ask<Value>(
    command: string,
    timeoutMs: number,
    read: (answer: string) => Value | undefined,
  ): Promise<Reply<Value>> {
    const deadline = new Deadline(timeoutMs);
    if (opened?.hasEnded()) opened = undefined;
    const opening = (opened ??= open(access, settings, { openingMs, patienceMs }));
    const patience = new Deadline(Math.min(opening.patience.leftMs, timeoutMs));
    const session = await patience.of(opening.session);
    if (!session) return unanswered("its session is still opening", { passing: true });
    if (session.kind === "unanswered") {
      if (opened === opening) opened = undefined;
      return session;
    }
    const answer = await session.value.ask(command, deadline.leftMs);
    if (answer.kind === "unanswered") return answer;
    const value = read(answer.value);
    if (value !== undefined) return answered(value);
    // What it knows of the server may be out of date: the next one reads its configuration again.
    void session.value.close();
    return unanswered(lastWords(othersIn(answer.value)) || "it lists nothing");
  }

  return {
    kind: "session",
    through: "one supervisorctl for all looks",
    // An empty list is left to a supervisorctl with an exit code: by it every instance would have vanished.
    async list(timeoutMs) {
      const deadline = new Deadline(timeoutMs);
      const listed = await ask("status", timeoutMs, (answer) => {
        const { snapshots } = parseStatus(answer);
        return othersIn(answer) === "" && snapshots.length > 0 ? { snapshots } : undefined;
      });
      if (listed.kind === "unanswered") return listed;
      // Behind the states: a pid that differs from the one before is never older than they are.
      const pid = await ask("pid", deadline.leftMs, (answer) => ({ supervisorPid: parsePid(answer) }));
      const isKnown = pid.kind === "answered" && pid.value.supervisorPid !== undefined;
      return isKnown ? answered({ ...listed.value, supervisorPid: pid.value.supervisorPid }) : listed;
    },
    async tail(log, timeoutMs) {
      const why = log === "supervisord" ? undefined : whyNotAddressable(log.instance);
      if (why !== undefined) return unanswered(why, { passing: true });
      const deadline = new Deadline(timeoutMs);
      let last: Reply<string> = unanswered("nothing was asked", { passing: true });
      for (const bytes of tailBytes(log)) {
        last = await ask(tailLine(log, bytes), deadline.leftMs, (printed) => printed);
        if (last.kind === "unanswered" || !isCutCharacter(last.value)) break;
      }
      return last.kind === "unanswered" ? last : answered(readTail(last.value, log));
    },
    pid: (timeoutMs) => ask("pid", timeoutMs, parsePid),
    configs: (timeoutMs) => ask("avail", timeoutMs, parseAvail),
    async close() {
      const closing = opened;
      opened = undefined;
      await closing?.abandon();
    },
  };
}

interface Opening {
  /** Once it is used up, a question no longer waits. */
  readonly patience: Deadline;
  readonly session: Promise<Reply<SupervisorctlSession>>;
  /** True once it was open and is so no more. */
  hasEnded(): boolean;
  abandon(): Promise<void>;
}

function open(
  access: HostAccess,
  settings: SupervisorSettings,
  { openingMs, patienceMs }: { readonly openingMs: number; readonly patienceMs: number },
): Opening {
  let session: SupervisorctlSession | undefined;
  let isAbandoned = false;
  let wasOpen = false;
  async function attempt(): Promise<Reply<SupervisorctlSession>> {
    const spawned = await access.spawn(sessionArgv(settings));
    if (spawned.kind === "failed") return unanswered(spawned.reason, { passing: true });
    session = new SupervisorctlSession(spawned.process);
    if (isAbandoned) void session.close();
    return session.open(openingMs);
  }
  const opening = attempt().then((result) => {
    wasOpen = result.kind === "answered";
    return result;
  });
  return {
    patience: new Deadline(patienceMs),
    session: opening,
    hasEnded: () => wasOpen && session?.isOver === true,
    async abandon() {
      isAbandoned = true;
      await session?.close();
    },
  };
}
