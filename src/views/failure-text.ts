import { INSTANCE_FAILURES, REFUSALS } from "../domain/failures.ts";

const KINDS: Readonly<Record<string, { readonly title: string; readonly remedy: string } | undefined>> = { ...REFUSALS, ...INSTANCE_FAILURES };

/** What a failure's code means: `it did not start and is STOPPED`. */
export function meaningOf(code: string): string {
  return KINDS[code]?.title ?? code;
}

/** What a failure's code means, with the code to look it up by: `it did not start and is STOPPED (stayed_stopped)`. */
export function titleOf(code: string): string {
  return code in KINDS ? `${meaningOf(code)} (${code})` : code;
}

/** What the operator can do about it. */
export function remedyOf(code: string): string | undefined {
  return KINDS[code]?.remedy;
}
