import { processOf, type InstanceName } from "../domain/ids.ts";
import type { KnownHistory, PastProcess, ProcessEnd, ProcessHistory } from "../domain/process-history.ts";
import type { TailReply } from "./tail-reply.ts";

/** supervisor/loggers.py: `2026-11-22 10:00:00,123 INFO ` stands before each message. */
const LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]{4,} (.*)$/;

/** supervisor/process.py, `_spawn_as_parent`. */
const SPAWNED = /^spawned: '(.*)' with pid (\d+)$/;

/** supervisor/process.py, `finish`: after "stopped" there is no verdict, since it was asked for. */
const ENDED =
  /^(exited|stopped): (.*) \((exit status -?\d+|terminated by .+?|unknown termination cause .+?)(; (not )?expected)?\)$/;

/** supervisor/supervisord.py, `main`: what came before was run by another supervisord, and its end may not be logged. */
const STARTED = /^supervisord started with pid \d+$/;

/**
 * What supervisord's log says of the processes of each of a host's instances.
 *
 * The log names processes without their group. So an instance whose process has the name of another one's there is not
 * told from it, and of a process of which the log has two starts and no end between them nothing is believed.
 *
 * @param log the end of it
 * @param instances all that the host has
 */
export function historiesOf(log: TailReply, instances: readonly InstanceName[]): Map<InstanceName, KnownHistory> {
  if (log.kind !== "text") {
    const isLost = log.kind === "unreadable" && log.isLost;
    const reason = log.kind === "none" ? `${log.why} (it may be syslog, or supervisord's own output)` : log.why;
    const unknown = { kind: isLost ? "lost" : "unread", reason } as const;
    return new Map(instances.map((instance) => [instance, unknown]));
  }
  const byName = readLog(log.text);
  const users = new Map<string, number>();
  for (const instance of instances) users.set(processOf(instance), (users.get(processOf(instance)) ?? 0) + 1);
  return new Map(
    instances.map((instance) => {
      const name = processOf(instance);
      return [instance, (users.get(name) ?? 0) > 1 ? sharedName(name) : known(name, byName.get(name) ?? [])];
    }),
  );
}

function sharedName(name: string): KnownHistory {
  return { kind: "unread", reason: `it has several processes called ${name}, and names none of their groups` };
}

function known(name: string, processes: ProcessHistory | "contradictory"): KnownHistory {
  return processes === "contradictory"
    ? { kind: "unread", reason: `it has two starts of ${name} and no end between them` }
    : { kind: "read", processes };
}

function readLog(text: string): Map<string, PastProcess[] | "contradictory"> {
  const byName = new Map<string, PastProcess[] | "contradictory">();
  const historyOf = (name: string) => {
    const history = byName.get(name) ?? [];
    byName.set(name, history);
    return history;
  };
  for (const line of text.split("\n")) {
    const message = LINE.exec(line.trimEnd())?.[1] ?? "";
    const [, spawned, pid] = SPAWNED.exec(message) ?? [];
    const [, verb, ended, how, verdict] = ENDED.exec(message) ?? [];
    if (spawned !== undefined && pid !== undefined) {
      const history = historyOf(spawned);
      if (history === "contradictory") continue;
      const before = history.at(-1);
      if (before && before.end === undefined) byName.set(spawned, "contradictory");
      else history.push({ pid: Number(pid), start: line.trimEnd() });
    } else if (ended !== undefined && how !== undefined) {
      const history = historyOf(ended);
      if (history !== "contradictory") close(history, endOf(verb ?? "", verdict), how);
    } else if (STARTED.test(message)) byName.clear();
  }
  return byName;
}

/** The start of the first one may be further back than the log was read. */
function close(history: PastProcess[], end: ProcessEnd, how: string): void {
  const last = history.at(-1);
  if (last && last.end === undefined) history[history.length - 1] = { ...last, end, how };
  else history.push({ end, how });
}

function endOf(verb: string, verdict: string | undefined): ProcessEnd {
  if (verb === "stopped") return "stopped";
  return verdict === "; expected" ? "expected" : "unexpected";
}
