import { setTimeout as rest } from "node:timers/promises";
import type { Counts, Outcome } from "../../domain/events.ts";
import { EXIT, type ExitCode, type Refusal } from "../../domain/failures.ts";
import type { FleetReport } from "../../domain/fleet.ts";
import type { HostName, RolloutId } from "../../domain/ids.ts";
import { sizeOf, worksOf, type Rollout } from "../../domain/rollout.ts";
import { askChecks, beforeRestartWarnings, questionsOf, type CheckAnswer } from "../../executor/ask-checks.ts";
import { checkWarnings } from "../../executor/check-warnings.ts";
import { discover } from "../../executor/discovery.ts";
import type { FleetHost, View } from "../../executor/ports.ts";
import { Recorder } from "../../executor/recorder.ts";
import { systemClock } from "../../executor/system-clock.ts";
import { buildRollout } from "../../planner/build/build.ts";
import { hostsToReread } from "../../planner/build/group-updates.ts";
import { hostsWhereExitsCount } from "../../planner/build/expected-exits.ts";
import { hostsWatchedForLeftovers } from "../../planner/build/leftovers.ts";
import { selectsProgram } from "../../planner/build/picking.ts";
import { refuseUnfillable } from "../../planner/build/unfillable.ts";
import { RolloutModel } from "../../views/model/rollout-model.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { reportText } from "../../views/report/report.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import { invocationOf } from "../arguments/invocation.ts";
import { accountAndMachine, closeFleet } from "./fleet.ts";
import type { PlanToRun } from "./plan-to-run.ts";
import { newRolloutId } from "./journals.ts";

export const EXIT_OF: Record<Outcome, ExitCode> = {
  succeeded: EXIT.done,
  incomplete: EXIT.halted,
  halted: EXIT.halted,
  refused: EXIT.refused,
  interrupted: EXIT.interrupted,
};

/** A rollout and the report of the fleet it was made of; or the exit code, if there is none and the reason was reported. */
export type Planned =
  | { readonly rollout: Rollout; readonly report: FleetReport; readonly answers: readonly CheckAnswer[] }
  | { readonly exitCode: ExitCode };

/** The steps that a dry run and a run share: look at the fleet, make a rollout. It is given readers only. */
export class Preflight {
  readonly recorder: Recorder;
  readonly id: RolloutId;
  private readonly called: Invocation;
  private readonly given: RunArguments;
  private readonly wanted: PlanToRun;
  private readonly startedAtMs = systemClock.monotonicMs();
  private readonly abort = new AbortController();
  /** Hosts that a revert leaves out, and why. */
  private readonly leftOut = new Map<HostName, string>();
  private rollout: Rollout | undefined;
  private isEnded = false;

  /** @param called how the operator would call it, for the commands that a report recommends */
  constructor(wanted: PlanToRun, given: RunArguments, views: readonly View[], called = invocationOf(given)) {
    this.called = called;
    this.wanted = wanted;
    this.given = given;
    this.id = newRolloutId(systemClock.now());
    this.recorder = new Recorder(this.id, systemClock, views);
  }

  /** Aborted when the operator interrupts it. */
  get interrupted(): AbortSignal {
    return this.abort.signal;
  }

  /** A method, so that each call asks again: it may become true during an await. */
  isInterrupted(): boolean {
    return this.abort.signal.aborted;
  }

  /**
   * Makes a rollout of what the fleet reports now. It is not recorded yet.
   *
   * @param asksChecks whether to ask the checks of its instances as they are
   */
  async plan(fleet: ReadonlyMap<HostName, FleetHost>, asksChecks: boolean): Promise<Planned> {
    const { reason, startedBefore, program } = this.given;
    const { plan, resumed, reverted } = this.wanted;
    const watched = hostsWatchedForLeftovers(plan);
    const counting = hostsWhereExitsCount(plan);
    const report = await discover(fleet, this.recorder, {
      interrupted: this.interrupted,
      withConfig: true,
      changedOn: new Set(plan.waves.flatMap(({ hosts }) => hosts.map(({ host }) => host))),
      rereadOn: hostsToReread(plan),
      // Ages by the process table are right also where a clock was set.
      histories: (host) => counting.has(host),
      processes: (host) => startedBefore !== undefined || watched.has(host),
      atRest: {
        isAsked: selectsProgram(plan),
        wait: (ms) => rest(ms, undefined, { signal: this.interrupted }).catch(() => undefined),
      },
    });
    if (this.isInterrupted()) return { exitCode: this.endInterrupted() };
    const built = buildRollout(
      plan,
      report,
      { id: this.id, ...(reason !== undefined && { reason }), who: accountAndMachine(), pid: process.pid },
      {
        ...(startedBefore && { startedBefore }),
        ...(resumed && { resumed }),
        ...(reverted && { reverted: { ...reverted, acting: new Map([...(reverted.acting ?? []), ...this.leftOut]) } }),
        programsWhereFound: program.length > 0,
      },
    );
    if (built.kind === "refused") return { exitCode: this.endRefused(built.refusals) };
    const unfillable = refuseUnfillable(built.rollout, process.env);
    if (unfillable.length > 0) return { exitCode: this.endRefused(unfillable) };
    const [routeWarnings, answers] = await Promise.all([
      checkWarnings(fleet, built.rollout),
      asksChecks ? askChecks(fleet, questionsOf(built.rollout), systemClock) : [],
    ]);
    if (this.isInterrupted()) return { exitCode: this.endInterrupted() };
    const warnings = [...built.rollout.warnings, ...routeWarnings, ...beforeRestartWarnings(answers)];
    return { rollout: { ...built.rollout, warnings }, report, answers };
  }

  /** True for a revert: it is planned again, without this host. Any other rollout needs all of its hosts. */
  leaveOut(host: HostName, why: string): boolean {
    if (!this.wanted.reverted || this.leftOut.has(host)) return false;
    this.leftOut.set(host, why);
    return true;
  }

  /** Records the rollout that is shown, or carried out. */
  accept(rollout: Rollout): void {
    this.rollout = rollout;
    this.recorder.record({ type: "rollout.planned", ...rollout });
  }

  /** Nothing was changed yet, so there is nothing to wait for: all connections are closed. */
  interrupt(fleet: ReadonlyMap<HostName, FleetHost>): void {
    this.abort.abort();
    void closeFleet(fleet);
  }

  /** Ends before the first change, as the operator wished. */
  endInterrupted(): ExitCode {
    // A user who leaves does not wait until this is noticed everywhere.
    if (this.isEnded) return EXIT.interrupted;
    this.isEnded = true;
    this.recorder.record({ type: "rollout.finished", outcome: "interrupted", ...this.end() });
    const { reverted } = this.wanted;
    const what = reverted ? `nothing of rollout ${reverted.id} was reverted` : "nothing was changed";
    process.stderr.write(`interrupted: ${this.given.plan}: ${what}\n`);
    return EXIT.interrupted;
  }

  /** The reason goes to stderr, as a diagnostic, whatever the view on stdout. */
  endRefused(refusals: readonly Refusal[]): ExitCode {
    const event = { type: "rollout.finished", outcome: "refused", refusals, ...this.end() } as const;
    this.recorder.record(event);
    process.stderr.write(reportText(RolloutModel.of([event]), this.called));
    return EXIT.refused;
  }

  private end(): { counts: Counts; seconds: number } {
    let untouched = 0;
    for (const work of this.rollout ? worksOf(this.rollout) : []) untouched += sizeOf(work);
    const counts = { healthy: 0, failed: 0, skipped: this.rollout?.skipped.length ?? 0, untouched };
    return { counts, seconds: (systemClock.monotonicMs() - this.startedAtMs) / 1000 };
  }
}
