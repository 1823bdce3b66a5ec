import type { Change } from "../domain/action.ts";
import { addressOf } from "../domain/address.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { Argv } from "../executor/ports.ts";

/**
 * How much of a log is read: enough for a stack trace. supervisord decodes what it has cut off strictly, and
 * fails where the cut is within a character of UTF-8: then a byte or two less make it whole.
 */
export const LOG_TAIL_BYTES = [4000, 3999, 3998, 3997] as const;

/** Likewise of supervisord's own log: some thousand starts and ends of processes. */
const MAIN_LOG_BYTES = [262_144, 262_143, 262_142, 262_141] as const;

/** A log that supervisord gives: of an instance, or its own. */
export type Log = { readonly instance: InstanceName; readonly stream: "stderr" | "stdout" } | "supervisord";

/** How much of a log is read, and then tried. */
export function tailBytes(log: Log): readonly number[] {
  return log === "supervisord" ? MAIN_LOG_BYTES : LOG_TAIL_BYTES;
}

/** `supervisorctl status`: every process of the host. */
export function statusArgv(settings: SupervisorSettings): Argv {
  return supervisorctl(settings, "status");
}

/**
 * A change of one instance, since `restart` of several at once would stop all before it starts the first, or the update of
 * one group: `update` without a name updates everything.
 */
export function changeArgv(settings: SupervisorSettings, change: Change): Argv {
  return supervisorctl(settings, ...changeWords(change));
}

/** The same as a line for a supervisorctl that reads its commands. */
export function changeLine(change: Change): string {
  return changeWords(change).join(" ");
}

function changeWords(change: Change): string[] {
  if (change.action === "update") return ["update", change.group];
  const address = addressOf(change.instance);
  return change.action === "signal" ? ["signal", change.signal, address] : [change.action, address];
}

/** `supervisorctl tail` of the end of a log, or `maintail` of supervisord's own. */
export function tailArgv(settings: SupervisorSettings, log: Log, bytes: number): Argv {
  return supervisorctl(settings, ...tailWords(log, bytes));
}

/** The same as a line for a supervisorctl that reads its commands. */
export function tailLine(log: Log, bytes: number): string {
  return tailWords(log, bytes).join(" ");
}

function tailWords(log: Log, bytes: number): string[] {
  return log === "supervisord" ? ["maintail", `-${bytes}`] : ["tail", `-${bytes}`, addressOf(log.instance), log.stream];
}

/** `supervisorctl pid`: the process id of supervisord itself. */
export function pidArgv(settings: SupervisorSettings): Argv {
  return supervisorctl(settings, "pid");
}

/** `supervisorctl avail`: every process of the configuration that supervisord has loaded, with its priorities. */
export function availArgv(settings: SupervisorSettings): Argv {
  return supervisorctl(settings, "avail");
}

/** `supervisorctl reread`: supervisord reads its configuration again, and changes nothing that runs. */
export function rereadArgv(settings: SupervisorSettings): Argv {
  return supervisorctl(settings, "reread");
}

/** `supervisorctl` that reads its commands from stdin until that ends. */
export function sessionArgv(settings: SupervisorSettings): Argv {
  return supervisorctl(settings);
}

function supervisorctl({ command, sudo, config, server_url }: SupervisorSettings, ...args: string[]): Argv {
  const options = [
    ...(config === undefined ? [] : ["-c", config]),
    ...(server_url === undefined ? [] : ["-s", server_url]),
  ];
  // -n: without a terminal a password prompt would wait for ever.
  return sudo ? ["sudo", "-n", command, ...options, ...args] : [command, ...options, ...args];
}

/** Whether the plan's command is supervisorctl itself: a script may go into a container, or to another host. */
export function isSupervisorctl({ command }: SupervisorSettings): boolean {
  return /(^|\/)supervisorctl$/.test(command);
}
