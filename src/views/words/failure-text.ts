import type { EventOf } from "../../domain/events.ts";
import {
  HALTS,
  INSTANCE_FAILURES,
  REFUSALS,
  type HaltCode,
  type InstanceFailureCode,
  type Refusal,
  type RefusalCode,
} from "../../domain/failures.ts";
import { printable } from "../../domain/printable.ts";

type FailedAs = Pick<EventOf<"instance.failed">, "code" | "expected_exit">;

interface Kind {
  readonly title: string;
  readonly remedy: string;
}

/** A journal of a newer version has codes that this one does not know. */
const UNKNOWN: Kind = {
  title: "a code of another version of orchestrate",
  remedy: "Read it with the version that wrote it.",
};

/** What a failure's code means. */
export function failureMeaning(code: InstanceFailureCode): string {
  return failureKind(code).title;
}

/** Likewise, with the code to look it up by: `it is STOPPED after its restart (stayed_stopped)`. */
export function failureTitle(code: InstanceFailureCode): string {
  return `${failureMeaning(code)} (${printable(code)})`;
}

/** What the operator can do about it. */
export function failureRemedy({ code, expected_exit: how }: FailedAs): string {
  const { remedy } = failureKind(code);
  if (how === undefined) return remedy;
  return `${remedy} Supervisor's log calls this exit expected (${printable(how)}): if it exits by design, set on_expected_exit: accept.`;
}

/** Likewise for a refusal. */
export function refusalTitle(code: RefusalCode): string {
  return `${refusalKind(code).title} (${printable(code)})`;
}

export function refusalRemedy({ code, remedy }: Refusal): string {
  return remedy ?? refusalKind(code).remedy;
}

/** Likewise for what halted a rollout, be it the failure of an instance or not. */
export function haltTitle(code: HaltCode): string {
  return isHaltOnly(code) ? `${HALTS[code].title} (${code})` : failureTitle(code);
}

/** What the operator can do about a halt; of a failed instance the instance's own remedy says it. */
export function haltRemedy(code: HaltCode): string | undefined {
  return isHaltOnly(code) ? HALTS[code].remedy : undefined;
}

/** Whether it is no failure of an instance. */
export function isHaltOnly(code: HaltCode): code is keyof typeof HALTS {
  return Object.hasOwn(HALTS, code);
}

function failureKind(code: string): Kind {
  return entryOf(INSTANCE_FAILURES, code);
}

function refusalKind(code: string): Kind {
  return entryOf(REFUSALS, code);
}

function entryOf(catalogue: Readonly<Record<string, Kind>>, code: string): Kind {
  return Object.hasOwn(catalogue, code) ? (catalogue[code] ?? UNKNOWN) : UNKNOWN;
}
