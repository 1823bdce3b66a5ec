import type { RolloutEvent } from "../../domain/events.ts";
import { onOneLine } from "../../domain/printable.ts";
import { failureRemedy, failureTitle, haltTitle, isHaltOnly, refusalRemedy, refusalTitle } from "./failure-text.ts";

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
  if (event.type === "hook.finished" && !event.succeeded && event.instance === undefined) {
    const { hook, host, reason = "no reason was given" } = event;
    return [errorOf(`${host === undefined ? "" : `${host} `}hook ${hook} failed`, reason)];
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

function errorOf(title: string, message: string): ListedError {
  return { title: onOneLine(title), message: onOneLine(message) };
}
