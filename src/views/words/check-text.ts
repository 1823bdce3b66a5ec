import type { EventOf } from "../../domain/events.ts";

/** `status 500 instead of 200 (try 3)`. */
export function failingText({ reason, tries }: Pick<EventOf<"check.failing">, "reason" | "tries">): string {
  return `${reason} (try ${tries})`;
}
