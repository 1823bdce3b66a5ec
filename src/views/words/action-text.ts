import type { EventOf } from "../../domain/events.ts";

type Sent = EventOf<"instance.restarting">["action"];

const DOING: Readonly<Record<Sent, string>> = {
  restart: "restarting",
  start: "starting",
  stop: "stopping",
  update: "updating",
  signal: "signalling",
};

/** The action that an instance is under: `restarting`, `signalling HUP`. */
export function doingText(action: Sent | undefined, signal?: string): string {
  return signal === undefined ? DOING[action ?? "restart"] : `signalling ${signal}`;
}

/** How an instance has succeeded: `healthy`, `stopped`, `removed`; for one that has run and ended `completed`. */
export function successText({ completed, stopped, removed }: EventOf<"instance.healthy">): string {
  if (completed) return "completed";
  if (stopped) return "stopped";
  return removed ? "removed" : "healthy";
}
