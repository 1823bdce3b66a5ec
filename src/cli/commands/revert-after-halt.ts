import type { ExitCode } from "../../domain/failures.ts";
import type { RolloutId } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import type { LockOwner } from "../../executor/ports.ts";
import { settingsOn, type Plan } from "../../planner/plan/plan.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import type { OpenedWorld } from "../prepare/fleet.ts";
import { keepInJournal } from "../prepare/journals.ts";
import { planUnderLock } from "../prepare/locked-plan.ts";
import { planToRevert } from "../prepare/plan-to-run.ts";
import { Preflight } from "../prepare/preflight.ts";
import { revertedPage } from "../prepare/reverted-page.ts";
import { revertibleCalled } from "../prepare/revertible.ts";
import { chooseView } from "../terminal/choose-view.ts";
import { openJobSummary } from "../terminal/job-summary.ts";
import { openPageView } from "../terminal/page-file.ts";
import type { CarriedOut, Lifetime } from "./lifetime.ts";

/** Longer than a holder of ours whose connection was lost keeps a lock. */
const OWN_LOCK_MS = 90_000;

const STILL_ACTING = "a restart that the rollout has sent there may still act";

/** A rollout that has halted and is to be reverted. */
interface Failed {
  readonly id: RolloutId;
  /** Its plan, not narrowed to anything. */
  readonly whole: Plan;
}

/** What the revert has in common with it. */
interface Shared {
  readonly given: RunArguments;
  readonly life: Lifetime;
  /** The same locks are held. */
  readonly world: OpenedWorld;
  readonly owner: LockOwner;
}

/**
 * `on_failure: revert`: reverts a rollout that has just halted, in the same process, by a rollout of its own. It begins
 * nothing while a restart of the failed one may still act; where that cannot be known, the host is left out and named.
 */
export async function revertAfterHalt(
  { id, whole }: Failed,
  { given, life, world, owner }: Shared,
  { code, toRevert }: CarriedOut,
): Promise<ExitCode> {
  const heir = await life.hand(code, async () => {
    const found = revertibleCalled(id, whole, given.stateDir);
    if ("problem" in found) process.stderr.write(`orchestrate: ${printable(found.problem)}\n`);
    const wanted = "problem" in found ? undefined : planToRevert(whole, found, ALL_OF_IT, new Set(world.fleet.keys()));
    if (!wanted) return undefined;
    const called = callOf(given, id);
    const nextPage = openPageView(given.report, called, revertedPage({ reverts: id }, given.stateDir));
    const views = [
      await chooseView(given.output, called),
      nextPage && "problem" in nextPage ? undefined : nextPage,
      openJobSummary(called),
    ];
    const { startedBefore: _, ...rest } = { ...given, ...ALL_OF_IT };
    const preflight = new Preflight(
      wanted,
      rest,
      views.filter((view) => view !== undefined),
      called,
    );
    preflight.recorder.record({ type: "rollout.reverting", reverts: id });
    return { preflight, plan: wanted.plan };
  });
  if (!heir) return code;
  const { preflight, plan } = heir;
  const acting = await Promise.race([toRevert?.settle(longestWaitMs(plan)), aborted(preflight.interrupted)]);
  if (preflight.isInterrupted()) return preflight.endInterrupted();
  for (const host of acting ?? []) preflight.leaveOut(host, STILL_ACTING);
  const named = new Set<string>(plan.hosts.map(({ name }) => name));
  const fleet = new Map([...world.fleet].filter(([host]) => named.has(host)));
  const planned = await planUnderLock(
    preflight,
    { ...world, fleet },
    owner,
    Math.max(OWN_LOCK_MS, given.waitForLockMs ?? 0),
  );
  if ("exitCode" in planned) return planned.exitCode;
  const problem = await keepInJournal(preflight, whole, given.stateDir);
  if (problem !== undefined) return preflight.endRefused([{ code: "journal_unwritable", reason: problem }]);
  if (preflight.isInterrupted()) return preflight.endInterrupted();
  return (await life.carryOut(planned.rollout)).code;
}

const ALL_OF_IT = { limit: [], exclude: [], program: [] } as const;

/** How the operator would start the same revert. */
function callOf({ plan, set, stateDir }: RunArguments, id: RolloutId): Invocation {
  const settings = set.flatMap((setting) => ["--set", setting]);
  const kept = stateDir === undefined ? [] : ["--state-dir", stateDir];
  return {
    plan,
    words: [plan, "--revert", id, ...settings, ...kept],
    ...(stateDir !== undefined && { stateDir }),
  };
}

/** As long as the plan waits for anything that makes no progress. */
function longestWaitMs({ waves }: Plan): number {
  const settings = waves.flatMap(({ hosts }) => hosts.flatMap(settingsOn));
  return settings.reduce((most, { timings }) => Math.max(most, timings.progress_deadline_ms), 0);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
