import { judge } from "./judge/judge.ts";
import { judgeRevert } from "./judge/judge-revert.ts";
import { judgeChain } from "./judge/judge-chain.ts";
import { judgeLocks } from "./locks/judge-locks.ts";

/** What a seed violates, one way of judging it. */
export interface Violated {
  readonly seed: number;
  readonly how: string;
  readonly violations: readonly string[];
}

/** The ways in which each seed is judged. */
export const WAYS: readonly (readonly [how: string, judge: (seed: number) => Promise<string[]>])[] = [
  ["with faults", (seed) => judge(seed)],
  ["without faults", (seed) => judge(seed, { faults: false })],
  ["killed and resumed", (seed) => judgeChain(seed)],
  ["killed and resumed, with faults", (seed) => judgeChain(seed, { faults: true })],
  ["reverted", judgeRevert],
  ["waiting for locks", judgeLocks],
];

/** Judges a seed in every way, or in one; a bug that throws is a violation as well. */
export async function judgeSeed(seed: number, only?: string): Promise<Violated[]> {
  const violated: Violated[] = [];
  for (const [how, judged] of WAYS) {
    if (only !== undefined && how !== only) continue;
    const violations = await judged(seed).catch((bug: unknown) => [`it threw ${(bug as Error).stack}`]);
    if (violations.length > 0) violated.push({ seed, how, violations });
  }
  return violated;
}
