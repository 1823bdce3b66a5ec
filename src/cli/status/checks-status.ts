import {
  askChecks,
  questionsAbout,
  whyNotPassed,
  type CheckAnswer,
  type CheckedFleet,
} from "../../executor/ask-checks.ts";
import { systemClock } from "../../executor/system-clock.ts";
import { resolvedCheck } from "../../domain/resolved-check.ts";
import { compileSelection } from "../../domain/selector.ts";
import { compileRules } from "../../planner/build/program-rules.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { CheckStatus, FleetStatus } from "./fleet-status.ts";

/** Asks the checks of all instances that were seen RUNNING, with the settings of the first wave that has them. */
export async function checksStatus(plan: Plan, fleet: CheckedFleet, { hosts }: FleetStatus): Promise<CheckStatus[]> {
  const seen = new Map(hosts.flatMap((one) => ("instances" in one ? [[one.host, one.instances] as const] : [])));
  const asked = new Set<string>();
  const questions = plan.waves.flatMap((wave) => {
    const settingsIn = compileRules(wave);
    const selects = compileSelection(wave.programs);
    return wave.hosts.flatMap((waveHost) =>
      (seen.get(waveHost.host) ?? []).flatMap((snapshot) => {
        const key = `${waveHost.host} ${snapshot.instance}`;
        if (!selects(snapshot.instance) || asked.has(key)) return [];
        asked.add(key);
        return questionsAbout(waveHost.host, snapshot, settingsIn(waveHost, snapshot.instance));
      }),
    );
  });
  const addresses = new Map(plan.hosts.map(({ name, address }) => [name, address]));
  const answers = await askChecks(fleet, questions, systemClock);
  return answers.map((answer) => statusOf(answer, addresses.get(answer.host) ?? answer.host));
}

function statusOf(answer: CheckAnswer, address: string): CheckStatus {
  const { host, instance, check, outcome } = answer;
  const reason = outcome === undefined ? "it was not asked: the others took too long" : whyNotPassed(answer);
  const passes = reason === undefined;
  return { host, instance, check: resolvedCheck(check, { ...answer, address }), passes, ...(!passes && { reason }) };
}
