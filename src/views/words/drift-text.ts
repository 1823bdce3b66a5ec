import type { EventOf } from "../../domain/events.ts";

/** What others have changed since the preview, without the name of the instance. */
export function driftText(event: EventOf<"instance.drifted">): string {
  const now = stateText(event.state, event.pid);
  switch (event.what) {
    case "gone":
      return "gone since the preview: Supervisor does not list it any more";
    case "new":
      return `new since the preview, and left alone; it is ${now}`;
    case "changed":
      return `changed by others since the preview: it was ${stateText(event.previous_state, event.previous_pid)} and is ${now}`;
  }
}

/** What was found of a host's supervisord, without the name of the host. */
export function supervisorRestartText({ pid, previous_pid: previous }: EventOf<"host.supervisor_restarted">): string {
  if (pid === undefined) return "supervisord was restarted";
  if (pid === previous) return `supervisord has loaded its configuration again, and started its programs (pid ${pid})`;
  return `supervisord was restarted: its pid is ${pid}${previous === undefined ? "" : `, and was ${previous}`}`;
}

function stateText(state: string | undefined, pid: number | undefined): string {
  return `${state ?? "unknown"}${pid === undefined ? "" : ` on pid ${pid}`}`;
}
