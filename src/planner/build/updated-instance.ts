import type { ProcessState } from "../../domain/process-state.ts";
import type { UpdatedInstance } from "./group-updates.ts";
import type { WantedAction } from "./wanted-action.ts";

interface OfGroup {
  /** It is EXITED, and Supervisor does not start it again. */
  readonly isAtRest: boolean;
  /** The new configuration starts some of its group. */
  readonly isGroupStarted: boolean;
}

const DOWN: ReadonlySet<ProcessState> = new Set(["STOPPED", "FATAL"]);

/** What the update of its group means for an instance. */
export function updatedInstance(
  { present, configured }: UpdatedInstance,
  { isAtRest, isGroupStarted }: OfGroup,
): WantedAction {
  const isDown = present === undefined || isAtRest || DOWN.has(present.state);
  if (!configured) return { kind: "act", action: "remove" };
  if (configured.autostart) {
    const warning = `it is ${present?.state}, and the update starts it (autostart=true)`;
    return { kind: "act", action: "update", ...(present && isDown && { warning }) };
  }
  if (!isDown) {
    const warning = `it is ${present.state}, and its new configuration has autostart=false: the update leaves it STOPPED`;
    return { kind: "act", action: "remove", warning };
  }
  // Something of the group has to stand for it, so that it is updated at all.
  if (!isGroupStarted) return { kind: "act", action: "remove" };
  return { kind: "skip", why: "its new configuration has autostart=false, so the update does not start it" };
}
