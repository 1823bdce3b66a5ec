import type { PastProcess, ProcessHistory } from "../domain/process-history.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";

/** How an instance came from the process that it was to what a look shows of it, by supervisord's own log. */
export type ExitExplanation =
  /** It is still the same process. */
  | { readonly kind: "same" }
  /** So many processes have ended since, each with an exit that Supervisor expects; `how` the last one did. */
  | { readonly kind: "expected"; readonly exits: number; readonly how: string }
  /** At least one has ended in another way. @property wasStopped another user has asked Supervisor for an end */
  | { readonly kind: "unexpected"; readonly how: string; readonly wasStopped: boolean }
  /** The log does not say. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** It could not be asked, since the host was lost: a later look shows it. */
  | { readonly kind: "lost" };

/** @param pid that of its process before */
export function explain(pid: number, { state, pid: pidNow, history }: ProcessSnapshot): ExitExplanation {
  if (!history) return unknown("supervisord's log was not read");
  if (history.kind === "lost") return { kind: "lost" };
  if (history.kind === "unread") return unknown(`supervisord's log does not say how it ended: ${history.reason}`);
  const { processes } = history;
  const to = currentIndex(processes, state === "RUNNING" ? pidNow : undefined);
  const from = to === undefined ? undefined : indexOfPid(processes, pid, to);
  if (to === undefined || from === undefined)
    return unknown(`supervisord's log, as far back as it goes, does not contain the start and end of pid ${pid}`);
  return judge(processes.slice(from, to));
}

/** Where what a look shows stands in the history: behind all that has ended. */
function currentIndex(processes: ProcessHistory, pid: number | undefined): number | undefined {
  if (pid === undefined) return processes.at(-1)?.end === undefined ? processes.length - 1 : processes.length;
  // It may have ended since the look: what came before it is the same.
  const index = processes.findLastIndex((process) => process.pid === pid);
  return index === -1 ? undefined : index;
}

/** The process of this pid that came before. An end without a start may be that of another process: it is not counted. */
function indexOfPid(processes: ProcessHistory, pid: number, before: number): number | undefined {
  // The kernel may give the same pid twice in a row.
  if (processes[before]?.pid === pid) return processes[before - 1]?.pid === pid ? before - 1 : before;
  const index = processes.slice(0, before).findLastIndex((process) => process.pid === pid);
  return index === -1 ? undefined : index;
}

function judge(ended: readonly PastProcess[]): ExitExplanation {
  const last = ended.at(-1);
  if (!last) return { kind: "same" };
  const other = ended.find(({ end }) => end !== "expected");
  const wasStopped = ended.some(({ end }) => end === "stopped");
  if (other)
    return {
      kind: "unexpected",
      how: other.end === "stopped" ? "it was stopped" : (other.how ?? "unknown"),
      wasStopped,
    };
  return { kind: "expected", exits: ended.length, how: last.how ?? "" };
}

function unknown(reason: string): ExitExplanation {
  return { kind: "unknown", reason };
}

/** To stand behind the reason of a failure for an exit that would be none if it were expected. */
export function whyNotExpected(explanation: ExitExplanation): string {
  if (explanation.kind === "unexpected") return `; its process did not exit as expected: ${explanation.how}`;
  return explanation.kind === "unknown" ? `; ${explanation.reason}` : "";
}
