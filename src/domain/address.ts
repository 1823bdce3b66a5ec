import { processOf, programOf, type InstanceName, type ProgramName } from "./ids.ts";

/** Blanks, as Python knows them, and what ends a line or means something to a terminal. */
const BLANK = /\s/u;
const CONTROL = /\p{Cc}/u;

/**
 * How supervisorctl and supervisord are given one instance: always `group:process`. The short name that Supervisor
 * prints where both are called the same may be a word of supervisorctl's: `restart all` restarts everything.
 */
export function addressOf(instance: InstanceName): string {
  return `${programOf(instance)}:${processOf(instance)}`;
}

/** Why supervisorctl cannot be given this one instance and no other; undefined if it can. */
export function whyNotAddressable(instance: InstanceName): string | undefined {
  const process = processOf(instance);
  if (process === "*" || process === "")
    return `supervisorctl takes ${addressOf(instance)} for all processes of the group ${programOf(instance)}`;
  if (CONTROL.test(instance)) return "its name has a control character, which supervisorctl cannot be given";
  if (BLANK.test(instance)) return "its name has a blank, at which supervisorctl splits it into two names";
  return undefined;
}

/** Why supervisorctl cannot update this one group; undefined if it can. */
export function whyNotUpdatable(group: ProgramName): string | undefined {
  if (group === "all") return "`supervisorctl update all` updates every group of the host";
  if (CONTROL.test(group)) return "its name has a control character, which supervisorctl cannot be given";
  if (BLANK.test(group) || group === "") return "its name has a blank, at which supervisorctl splits it into two names";
  return undefined;
}
