import type { EventOf, RolloutEvent } from "../../domain/events.ts";
import { onOneLine } from "../../domain/printable.ts";
import { failureRemedy, failureTitle, haltTitle, isHaltOnly, refusalRemedy, refusalTitle } from "./failure-text.ts";
import { subjectOf } from "./subject.ts";

/** An error for the list of errors of a CI system. */
export interface ListedError {
  readonly title: string;
  readonly message: string;
}

/** The errors in an event. A halt over a failed instance is not one: the failure of the instance is. */
export function errorsOf(event: RolloutEvent): ListedError[] {
  if (event.type === "instance.failed") {
    const { host, instance, code, reason } = event;
    return [errorOf(`${host} ${instance} failed`, `${failureTitle(code)}: ${reason}. ${failureRemedy(event)}`)];
  }
  if (event.type === "hook.finished" && isHookError(event)) {
    const { hook, reason = "no reason was given" } = event;
    return [errorOf(`${subjectOf(event)} hook ${hook} failed`.trimStart(), reason)];
  }
  if (event.type === "rollout.halted" && isHaltOnly(event.code))
    return [errorOf("halted", `${haltTitle(event.code)}: ${event.reason}`)];
  const refusals = event.type === "rollout.finished" ? (event.refusals ?? []) : [];
  return refusals.map((refusal) => {
    const { code, host, reason } = refusal;
    const title = `refused${host === undefined ? "" : `: ${host}`}`;
    return errorOf(title, `${refusalTitle(code)}: ${reason}. ${refusalRemedy(refusal)}`);
  });
}

/** A failed hook of an instance is the failure of that instance. */
function isHookError({ succeeded, on_error, instance }: EventOf<"hook.finished">): boolean {
  return !succeeded && on_error !== "warn" && instance === undefined;
}

function errorOf(title: string, message: string): ListedError {
  return { title: onOneLine(title), message: onOneLine(message) };
}
