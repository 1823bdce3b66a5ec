import { beganAt } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import type { Writer } from "../../domain/writer.ts";

/** `since 2026-11-22 10:00:00 UTC, pid 4711 on ci-1` */
export function sinceText(id: string | undefined, { pid, machine }: Pick<Writer, "pid" | "machine">): string {
  const began = id === undefined ? undefined : beganAt(id);
  return `${began === undefined ? "" : `since ${utcText(began)}, `}pid ${pid} on ${printable(machine)}`;
}

/** `2026-11-22 10:00:00 UTC`, of a time as ISO 8601. */
export function utcText(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
