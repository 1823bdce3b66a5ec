import type { RolloutEvent } from "../../domain/events.ts";
import { onOneLine } from "../../domain/printable.ts";
import { failureRemedy, failureTitle, haltTitle, isHaltOnly, refusalRemedy, refusalTitle } from "./failure-text.ts";

/** An error as a list of errors has it: what it is about, and what there is to say. */
export interface ToldError {
  readonly title: string;
  readonly message: string;
}

/** What an event tells of errors. A halt over a failed instance is that instance's error. */
export function errorsOf(event: RolloutEvent): ToldError[] {
  if (event.type === "instance.failed") {
    const { host, instance, code, reason } = event;
    return [told(`${host} ${instance} failed`, `${failureTitle(code)}: ${reason}. ${failureRemedy(event)}`)];
  }
  if (event.type === "hook.finished" && !event.succeeded && event.instance === undefined) {
    const { hook, host, reason = "no reason was given" } = event;
    return [told(`${host === undefined ? "" : `${host} `}hook ${hook} failed`, reason)];
  }
  if (event.type === "rollout.halted" && isHaltOnly(event.code))
    return [told("halted", `${haltTitle(event.code)}: ${event.reason}`)];
  const refusals = event.type === "rollout.finished" ? (event.refusals ?? []) : [];
  return refusals.map((refusal) => {
    const { code, host, reason } = refusal;
    const title = `refused${host === undefined ? "" : `: ${host}`}`;
    return told(title, `${refusalTitle(code)}: ${reason}. ${refusalRemedy(refusal)}`);
  });
}

function told(title: string, message: string): ToldError {
  return { title: onOneLine(title), message: onOneLine(message) };
}
