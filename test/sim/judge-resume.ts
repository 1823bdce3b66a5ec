import type { RolloutEvent } from "../../src/domain/events.ts";
import { worksOf, type Rollout } from "../../src/domain/rollout.ts";
import { buildRollout } from "../../src/planner/build.ts";
import { readPast } from "../../src/planner/past.ts";
import { isForetold } from "./judge/ends.ts";
import { SeededRandom } from "./random.ts";
import { scenario } from "./scenario.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";

/** More kills than a rollout has events are not survived by anybody. */
const MOST_KILLS = 10;

/**
 * Kills the controller of a rollout at random events, again and again, and resumes it each time from its journal alone,
 * of whose end a random part is lost that was not durable. Returns what was promised and not kept.
 *
 * Without other faults everything is restarted in the end, once. With them, nothing is restarted that was healthy and
 * is still so, nothing is restarted twice by one resume, and every resume ends.
 */
export async function judgeResume(seed: number, { faults = false } = {}): Promise<string[]> {
  const { time, fleet, plan, planned, options } = scenario(seed, { faults });
  const random = new SeededRandom(seed + 1_000_000);
  const violations: string[] = [];
  const healthy = new HealthyPids();
  /** Restarts that have reached a host in this rollout, since the operator last wanted one again. */
  const arrived = new Map<string, number>();
  const watched: SimulateOptions = {
    ...options,
    onEvent(event) {
      healthy.see(event);
      if (event.type === "rollout.started") arrived.clear();
      if (event.type === "rollout.answered" && event.answer === "retry")
        arrived.delete(`${event.host} ${event.instance}`);
    },
    onChange(command) {
      const { host, instance, action } = command;
      const pid = fleet.hosts.get(host)?.get(instance)?.snapshot().pid;
      if (action === "restart" && pid !== undefined && healthy.has(host, instance, pid))
        violations.push(`${host} ${instance} was restarted again once healthy, on pid ${pid}`);
      const fate = options.onChange?.(command) ?? { kind: "arrives" };
      if (action === "start" || fate.kind === "not_sent" || fate.kind === "lost_on_the_way") return fate;
      const times = (arrived.get(`${host} ${instance}`) ?? 0) + 1;
      arrived.set(`${host} ${instance}`, times);
      if (times > 1) violations.push(`${host} ${instance} was restarted ${times} times by one rollout`);
      return fate;
    },
  };
  let journal: RolloutEvent[] = [];
  let rollout: Rollout = planned;
  for (let kill = 0; ; kill++) {
    const killAfterEvent = kill < MOST_KILLS ? random.whole(1, 40) : Infinity;
    const planning: RolloutEvent = { type: "rollout.planned", ...rollout };
    const { outcome, events, durable } = await simulate(rollout, fleet, time, { ...watched, killAfterEvent });
    const kept = outcome === undefined ? random.whole(durable, events.length) : events.length;
    // Of a rollout that has sent nothing yet, nothing need be kept at all.
    if (kept > 0) journal = [...journal, planning, ...events.slice(0, kept)];
    if (outcome !== undefined && (faults || outcome !== "halted")) break;
    if (outcome === "halted") return isForetold(rollout, events) ? [] : [`it halted: ${reasonOf(events)}`];
    if (killAfterEvent === Infinity) return [...violations, "a resume never ended"];
    if (fleet.isActing) break;
    const past = readPast(journal);
    const built = buildRollout(plan, fleet.report(), { id: planned.id }, past ? { past } : {});
    // A host that cannot be reached now, say.
    if (built.kind === "refused" && faults) break;
    if (built.kind === "refused") return built.refusals.map(({ reason }) => `the resume was refused: ${reason}`);
    rollout = built.rollout;
  }
  if (faults) return violations;
  const wanted = new Map<string, string>();
  for (const { host, batches } of worksOf(planned))
    for (const { instances } of batches)
      for (const { instance, action } of instances) wanted.set(`${host} ${instance}`, action);
  return [...fleet.hosts].flatMap(([host, processes]) =>
    [...processes].flatMap(([instance, { stopsAtMs, spawns, state }]) => {
      const key = `${host} ${instance}`;
      const action = wanted.get(key);
      const starts = spawns.filter(({ release }) => release > 0).length;
      const isDone = action === undefined ? starts === 0 : starts > 0 && state === "RUNNING";
      return [
        ...(stopsAtMs.length === (action === "restart" ? 1 : 0)
          ? []
          : [`${key} was stopped ${stopsAtMs.length} times`]),
        ...(isDone ? [] : [`${key} was left ${state} after ${starts} starts`]),
      ];
    }),
  );
}

/** The pids on which instances were declared healthy, for as long as they have not failed since. */
class HealthyPids {
  private readonly pids = new Map<string, number>();

  see(event: RolloutEvent): void {
    if (event.type === "instance.healthy") this.pids.set(`${event.host} ${event.instance}`, event.pid);
    if (event.type === "instance.failed") this.pids.delete(`${event.host} ${event.instance}`);
  }

  has(host: string, instance: string, pid: number): boolean {
    return this.pids.get(`${host} ${instance}`) === pid;
  }
}

function reasonOf(events: readonly RolloutEvent[]): string {
  return events.flatMap((event) => (event.type === "rollout.halted" ? [event.reason] : [])).join("; ");
}
