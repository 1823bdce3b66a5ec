import pLimit, { type LimitFunction } from "p-limit";
import type { HostName, InstanceName } from "../domain/ids.ts";
import { reasonOf, type CheckOutcome } from "../domain/outcomes.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import { partsIn, type Rollout, type Warning } from "../domain/rollout.ts";
import { checkName, type Check, type Vars } from "../domain/settings.ts";
import type { Clock, FleetHost } from "./ports.ts";

/** How many checks are asked at once, of all hosts and of one: a host's sshd lets in ten channels as a rule. */
const ASKED_AT_ONCE = 32;
const ASKED_OF_A_HOST = 4;

/** After that no further one is asked: nobody waits longer for what only warns. */
const ASKING_MS = 60_000;

/** A check of an instance as it is. */
export interface CheckQuestion {
  readonly host: HostName;
  readonly instance: InstanceName;
  readonly check: Check;
  readonly vars: Vars;
  readonly pid: number;
}

export interface CheckAnswer extends CheckQuestion {
  /** Undefined: it was not asked, for lack of time. */
  readonly outcome: CheckOutcome | undefined;
}

/** The hosts, as far as they are needed to ask: nothing of them could change anything. */
export type CheckedFleet = ReadonlyMap<HostName, Pick<FleetHost, "checker">>;

/** The checks of instances that run; of one that does not, none could pass. */
export function questionsAbout(
  host: HostName,
  { instance, state, pid }: ProcessSnapshot,
  { checks, vars }: { readonly checks: readonly Check[]; readonly vars: Vars },
): CheckQuestion[] {
  if (pid === undefined || !isRunning({ state, pid })) return [];
  return checks.map((check) => ({ host, instance, check, vars, pid }));
}

/** Those of all instances of a rollout, as the preflight saw them. */
export function questionsOf(rollout: Pick<Rollout, "waves">): CheckQuestion[] {
  return [...partsIn(rollout)].flatMap((work) =>
    work.batches
      .flatMap(({ instances }) => instances)
      // No check judges an instance that is to be down.
      .filter(({ action }) => action !== "stop" && action !== "remove")
      .flatMap(({ instance, before }) => questionsAbout(work.host, { instance, ...before }, work)),
  );
}

/** Asks each of them once, through the same port as the gate. Never rejects. */
export async function askChecks(
  fleet: CheckedFleet,
  questions: readonly CheckQuestion[],
  clock: Pick<Clock, "monotonicMs">,
): Promise<CheckAnswer[]> {
  const untilMs = clock.monotonicMs() + ASKING_MS;
  const all = pLimit(ASKED_AT_ONCE);
  const ofHosts = new Map<HostName, LimitFunction>();
  return Promise.all(
    questions.map((question) => {
      const { host, check, ...subject } = question;
      const ofHost = ofHosts.get(host) ?? pLimit(ASKED_OF_A_HOST);
      ofHosts.set(host, ofHost);
      return ofHost(() =>
        all(async (): Promise<CheckAnswer> => {
          if (clock.monotonicMs() >= untilMs) return { ...question, outcome: undefined };
          return { ...question, outcome: await fleet.get(host)?.checker.check(check, subject) };
        }),
      );
    }),
  );
}

/** Why an answer is no pass, for people; undefined if it is one, or there is none. */
export function whyNotPassed({ outcome }: CheckAnswer): string | undefined {
  return !outcome || outcome.kind === "passed" ? undefined : reasonOf(outcome);
}

/** What to know before anything is taken down. */
export function beforeRestartWarnings(answers: readonly CheckAnswer[]): Warning[] {
  const unasked = answers.filter(({ outcome }) => outcome === undefined).length;
  const failing = answers.flatMap((answer): Warning[] => {
    const why = whyNotPassed(answer);
    const { host, instance, check } = answer;
    if (why === undefined) return [];
    return [{ host, instance, message: `its check ${checkName(check)} does not pass even before the restart: ${why}` }];
  });
  if (unasked === 0) return failing;
  return [
    ...failing,
    { message: `${unasked} of ${answers.length} checks were not asked before the restart: it took too long` },
  ];
}

/** `12 of 14 checks pass now`. */
export function passingText(answers: readonly CheckAnswer[]): string {
  const passing = answers.filter(({ outcome }) => outcome?.kind === "passed").length;
  return `${passing} of ${answers.length} checks pass now`;
}
