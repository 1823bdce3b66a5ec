import type { EventOf } from "../../domain/events.ts";

type Leftovers = EventOf<"instance.leftovers">;

/** `its old instance left 2 processes behind`, without the name of the instance. */
export function leftoversTitle({ processes }: Pick<Leftovers, "processes">): string {
  return `its old instance left ${processes.length === 1 ? "a process" : `${processes.length} processes`} behind`;
}

/** `pid 4711: python3 server.py` */
export function processText({ pid, command }: Leftovers["processes"][number]): string {
  return `pid ${pid}: ${command}`;
}
