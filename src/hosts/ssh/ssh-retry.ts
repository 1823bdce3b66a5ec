import { setTimeout as sleep } from "node:timers/promises";
import { isResetUnasked, type HandshakeTrace } from "./ssh-refusal.ts";
import type { Backoff } from "../ssh-config/ssh-route.ts";

const MOST_RETRIES = 5;
const FIRST_WAIT_MS = 200;

/** Twice as long each time, and by chance, lest those that were dropped together come back together. */
export const defaultBackoff: Backoff = (dropped) =>
  dropped > MOST_RETRIES ? undefined : FIRST_WAIT_MS * 2 ** (dropped - 1) * (0.5 + Math.random());

/**
 * Whether sshd had too many others who had not logged in yet (MaxStartups): then it closes without a word, or with
 * one where its banner should be. That passes; what a host says after its banner does not.
 */
export function wasDropped(trace: HandshakeTrace): boolean {
  const { phase, said, error, abandoned } = trace;
  if (abandoned) return false;
  if (isResetUnasked(trace)) return true;
  if (phase !== "greeting") return false;
  if (said !== undefined) return said.startsWith("Exceeded MaxStartups");
  return error === undefined || error.level === "protocol";
}

/** Waits; false when it was given up meanwhile. */
export function rested(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
