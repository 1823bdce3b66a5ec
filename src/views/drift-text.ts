import type { RolloutEvent } from "../domain/events.ts";

/** What others have changed since the preview, without the name of the instance. */
export function driftText(event: Extract<RolloutEvent, { type: "instance.drifted" }>): string {
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

function stateText(state: string | undefined, pid: number | undefined): string {
  return `${state ?? "unknown"}${pid === undefined ? "" : ` on pid ${pid}`}`;
}
