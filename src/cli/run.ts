import type { Outcome, RolloutEvent } from "../domain/events.ts";
import { EXIT, type ExitCode, type Refusal } from "../domain/failures.ts";
import type { HostName, RolloutId } from "../domain/ids.ts";
import { discover } from "../executor/discovery.ts";
import { Executor } from "../executor/executor.ts";
import { Recorder } from "../executor/recorder.ts";
import type { FleetHost, SupervisorReader, View } from "../executor/ports.ts";
import { systemClock } from "../executor/system-clock.ts";
import { buildRollout, type Built } from "../planner/build.ts";
import type { Plan } from "../planner/plan.ts";
import { previewText } from "../planner/preview.ts";
import { createJsonView } from "../views/json.ts";
import { createReport } from "../views/report.ts";
import type { RunArguments } from "./arguments.ts";
import { chooseView } from "./choose-view.ts";
import { closeFleet, openForReading, openForRollout } from "./fleet.ts";
import { newRolloutId } from "./rollout-id.ts";
import { onSignals } from "./signals.ts";
import { loadOrTell } from "./validate.ts";

const EXIT_OF: Record<Outcome, ExitCode> = {
  succeeded: EXIT.done,
  incomplete: EXIT.halted,
  halted: EXIT.halted,
  refused: EXIT.refused,
  interrupted: EXIT.interrupted,
};

/** `orchestrate PLAN`: plans on what the fleet reports, then shows the rollout or runs it. */
export async function run(given: RunArguments): Promise<ExitCode> {
  const plan = loadOrTell(given.plan);
  if (!plan) return EXIT.invalid;
  return given.dryRun ? dryRun(plan, given) : rollOut(plan, given);
}

async function dryRun(plan: Plan, given: RunArguments): Promise<ExitCode> {
  const fleet = openForReading(plan);
  const views = given.output === "json" ? [createJsonView(process.stdout)] : [];
  const preflight = new Preflight(plan, given, views);
  const stopListening = onSignals({ finish: () => preflight.interrupt(fleet), leave: () => undefined });
  try {
    const built = await preflight.plan(fleet);
    if (!built) return preflight.finish({ outcome: "interrupted" });
    if (built.kind === "refused") return preflight.refuse(built.refusals);
    if (given.output !== "json") process.stdout.write(previewText(built.rollout));
    return EXIT.done;
  } finally {
    stopListening();
    await closeFleet(fleet);
    await preflight.recorder.end();
  }
}

async function rollOut(plan: Plan, given: RunArguments): Promise<ExitCode> {
  const world = openForRollout(plan);
  const { fleet } = world;
  const preflight = new Preflight(plan, given, [await chooseView(given.output, given.plan)]);
  let executor: Executor | undefined;
  const stopListening = onSignals({
    finish: (signal) => (executor ? executor.interrupt(signal) : preflight.interrupt(fleet)),
    leave: () => executor?.abandon(),
  });
  try {
    const built = await preflight.plan(fleet);
    if (!built) return preflight.finish({ outcome: "interrupted" });
    if (built.kind === "refused") return preflight.refuse(built.refusals);
    executor = new Executor(built.rollout, world, preflight.recorder, systemClock);
    return EXIT_OF[await executor.run()];
  } finally {
    stopListening();
    await closeFleet(fleet);
    await preflight.recorder.end();
  }
}

/** What a dry run and a run do alike: look at the fleet and plan on it. It is given readers only. */
class Preflight {
  readonly recorder: Recorder;
  private readonly given: RunArguments;
  private readonly id: RolloutId;
  private readonly source: Plan;
  private readonly startedAtMs = systemClock.monotonicMs();
  private interrupted = false;

  constructor(plan: Plan, given: RunArguments, views: readonly View[]) {
    this.source = plan;
    this.given = given;
    this.id = newRolloutId(systemClock.now());
    this.recorder = new Recorder(this.id, systemClock, views);
  }

  /** Undefined if the operator did not want to wait for it. */
  async plan(fleet: ReadonlyMap<HostName, FleetHost<SupervisorReader>>): Promise<Built | undefined> {
    const report = await discover(fleet, this.recorder);
    if (this.interrupted) return undefined;
    const { reason } = this.given;
    const built = buildRollout(this.source, report, reason === undefined ? { id: this.id } : { id: this.id, reason });
    if (built.kind === "planned") {
      this.recorder.record({ type: "rollout.planned", ...built.rollout });
    }
    return built;
  }

  /** Nothing was changed yet, so there is nothing to wait for: what is being opened is closed. */
  interrupt(fleet: ReadonlyMap<HostName, FleetHost<SupervisorReader>>): void {
    this.interrupted = true;
    void closeFleet(fleet);
  }

  refuse(refusals: readonly Refusal[]): ExitCode {
    return this.finish({ outcome: "refused", refusals });
  }

  /** Ends before the first change. Why is a diagnostic: it goes to stderr, whatever the view on stdout. */
  finish(end: { outcome: "interrupted" } | { outcome: "refused"; refusals: readonly Refusal[] }): ExitCode {
    const seconds = (systemClock.monotonicMs() - this.startedAtMs) / 1000;
    const event: RolloutEvent = {
      type: "rollout.finished",
      counts: { healthy: 0, failed: 0, skipped: 0, untouched: 0 },
      seconds,
      ...end,
    };
    this.recorder.record(event);
    const report = createReport({ plan: this.given.plan });
    report.collect(event);
    process.stderr.write(report.text());
    return EXIT_OF[end.outcome];
  }
}
