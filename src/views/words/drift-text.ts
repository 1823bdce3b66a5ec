import type { EventOf } from "../../domain/events.ts";

/** What has changed since the preview, not by this rollout, without the name of the instance. */
export function driftText(event: EventOf<"instance.drifted">): string {
  const now = stateText(event.state, event.pid);
  switch (event.what) {
    case "gone":
      return "gone since the preview: Supervisor no longer lists it";
    case "new":
      return `new since the preview, left alone; it is ${now}`;
    case "changed":
      return `changed since the preview, not by this rollout: it was ${stateText(event.previous_state, event.previous_pid)} and is ${now}`;
  }
}

/** How the supervisord of a host was restarted, without the name of the host. */
export function supervisorRestartText({ pid, previous_pid: previous }: EventOf<"host.supervisor_restarted">): string {
  if (pid === undefined) return "supervisord was restarted";
  if (pid === previous) return `supervisord reloaded its configuration and started its programs again (pid ${pid})`;
  return `supervisord was restarted: its pid is ${pid}${previous === undefined ? "" : `, and was ${previous}`}`;
}

function stateText(state: string | undefined, pid: number | undefined): string {
  return `${state ?? "unknown"}${pid === undefined ? "" : ` on pid ${pid}`}`;
}
