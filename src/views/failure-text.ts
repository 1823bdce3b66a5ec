import {
  HALTS,
  INSTANCE_FAILURES,
  REFUSALS,
  type HaltCode,
  type InstanceFailureCode,
  type RefusalCode,
} from "../domain/failures.ts";

/** What a failure's code means, with the code to look it up by: `it is STOPPED after its restart (stayed_stopped)`. */
export function failureTitle(code: InstanceFailureCode): string {
  return `${INSTANCE_FAILURES[code].title} (${code})`;
}

/** Likewise for a refusal. */
export function refusalTitle(code: RefusalCode): string {
  return `${REFUSALS[code].title} (${code})`;
}

/** Likewise for what halted a rollout, be it the failure of an instance or not. */
export function haltTitle(code: HaltCode): string {
  return isHaltOnly(code) ? `${HALTS[code].title} (${code})` : failureTitle(code);
}

/** What the operator can do about a halt; of a failed instance the instance's own remedy says it. */
export function haltRemedy(code: HaltCode): string | undefined {
  return isHaltOnly(code) ? HALTS[code].remedy : undefined;
}

function isHaltOnly(code: HaltCode): code is keyof typeof HALTS {
  return code in HALTS;
}
