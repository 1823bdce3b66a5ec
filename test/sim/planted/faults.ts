/** A fault that a version had, or might have had, as a change to the sources: what the simulator is there to find. */
export interface PlantedFault {
  readonly name: string;
  /** What it does to a fleet. */
  readonly what: string;
  /** The last version that had it; left out: none had. */
  readonly had?: string;
  /** Each text occurs once in its file. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

/** Each puts one fault back. Where a source has changed, so that an edit no longer applies, adapt the edit to it. */
export const PLANTED: readonly PlantedFault[] = [
  {
    name: "a-revert-touches-the-untouched",
    what: "a revert restarts what the reverted rollout had not touched as well",
    edits: [
      {
        file: "src/planner/build/picking.ts",
        from: "if (this.earlier.isRevert && !touched) return undefined;",
        to: "",
      },
    ],
  },
  {
    name: "an-update-counts-as-one",
    what: "an update is counted as one instance for the floor, though it takes its whole group down",
    edits: [
      {
        file: "src/rollout/instance-turn.ts",
        from: "return this.update?.instances ?? [this.planned.instance];",
        to: "return this.update?.instances.slice(0, 1) ?? [this.planned.instance];",
      },
      {
        file: "src/rollout/instance-turn.ts",
        from: "const taken = this.update?.taken ?? (",
        to: "const taken = this.update?.taken.slice(0, 1) ?? (",
      },
    ],
  },
  {
    name: "a-lost-signal-is-sent-again",
    what: "a signal whose channel was lost is sent again, though it may have arrived",
    edits: [
      {
        file: "src/rollout/actions.ts",
        from: 'kind: "unknown",\n      reason: "the connection was lost',
        to: 'kind: "not_done",\n      reason: "the connection was lost',
      },
    ],
  },
  {
    name: "a-revert-does-not-wait",
    what: "a revert by itself begins while a restart of the failed rollout still acts",
    edits: [
      {
        file: "src/executor/executor.ts",
        from: "const over = changed.then(({ kind }) => {",
        to: "const over = Promise.resolve<ChangeOutcome>({ kind: 'not_sent', reason: '' }).then(({ kind }) => {",
      },
    ],
  },
  {
    name: "a-check-passes-that-never-failed",
    what: "each check that passes is reported as one that passes again",
    edits: [
      {
        file: "src/rollout/check-reports.ts",
        from: "if (last?.reason === undefined) return undefined;",
        to: "if (tries === 0) return undefined;",
      },
    ],
  },
  {
    name: "not-started-is-skipped",
    what: "what a restart of supervisord in the middle has left Not started passes for stopped on purpose: skipped, and the rollout succeeds with a host down",
    had: "0.1.0",
    edits: [
      {
        file: "src/rollout/final-look.ts",
        from: 'if (supervisorRestart !== undefined && before.state !== "STOPPED" && isNotStarted(snapshot))',
        to: 'if (supervisorRestart === "" && isNotStarted(snapshot))',
      },
    ],
  },
  {
    name: "resume-only-judges-failures",
    what: "a resume only checks what has failed and runs on another pid than before: a fixed release cannot be rolled out",
    had: "0.1.0",
    edits: [
      {
        file: "src/planner/build/resume-action.ts",
        from: "? isNew && wasDown(outcome)",
        to: "? isNew",
      },
    ],
  },
  {
    name: "narrowed-resume-ends-its-chain",
    what: "a resume that was narrowed succeeds with instances of its chain failed or untouched",
    had: "0.1.0",
    edits: [
      {
        file: "src/rollout/tally.ts",
        from: "this.leavesOpen = left_open.length > 0;",
        to: "this.leavesOpen = left_open.length < 0;",
      },
    ],
  },
  {
    name: "clock-set-back-is-flapping",
    what: "a clock of a host that is set back fails a healthy instance as flapping, since its uptime fell on the same pid",
    had: "0.1.0",
    edits: [
      {
        file: "src/rollout/new-process-gate.ts",
        from: "if (isTooYoung(uptimeS, issuedAtMs - this.found.seenAtMs) &&",
        to: "if (uptimeS < this.found.uptimeS || isTooYoung(uptimeS, issuedAtMs - this.found.seenAtMs) &&",
      },
    ],
  },
  {
    name: "a-host-is-lost-twice",
    what: "max_unreachable counts losses and not hosts: a host of two waves that is lost halts a rollout which tolerates one",
    had: "0.1.0",
    edits: [
      { file: "src/rollout/tally.ts", from: "if (this.unreachable.has(host)) return false;\n", to: "" },
      {
        file: "src/rollout/tally.ts",
        from: "private readonly unreachable: Set<HostName>;",
        to: "private readonly unreachable: Set<HostName>;\n  private losses = 0;",
      },
      {
        file: "src/rollout/tally.ts",
        from: "return this.unreachable.size > this.limits.max_unreachable;",
        to: "return ++this.losses > this.limits.max_unreachable;",
      },
    ],
  },
  {
    name: "a-regain-takes-a-later-lock",
    what: "a lock that is being regained heeds the release of a later attempt, and takes it behind its back: a rollout that waits for locks refuses itself",
    had: "0.1.0",
    edits: [
      {
        file: "src/state/host-lock.ts",
        from: 'const taken = signal.aborted ? undefined : await this.ask(tenure, holder);\n    if (taken?.kind === "held" && !signal.aborted) {',
        to: 'const taken = this.tenure.released.signal.aborted ? undefined : await this.ask(tenure, holder);\n    if (taken?.kind === "held" && !this.tenure.released.signal.aborted) {',
      },
    ],
  },
  {
    name: "hook-started-is-not-durable",
    what: "a hook is sent before it is certain that the journal says so: after a kill nobody knows what may be drained",
    had: "0.1.0",
    edits: [
      {
        file: "src/executor/executor.ts",
        from: "Promise<HookOutcome> {\n    const problem = await this.recorder.durable();",
        to: "Promise<HookOutcome> {\n    const problem = await Promise.resolve<string | undefined>(undefined);",
      },
    ],
  },
  {
    name: "restart-is-not-durable",
    what: "a restart is sent before it is certain that the journal says so: after a kill it is sent again",
    edits: [
      {
        file: "src/executor/executor.ts",
        from: "await Promise.all([\n      this.recorder.durable(),",
        to: "await Promise.all([\n      Promise.resolve<string | undefined>(undefined),",
      },
    ],
  },
  {
    name: "stopped-by-us-lowers-the-total",
    what: "what a rollout has left STOPPED counts as stopped on purpose for the floor of its resume, which is refused for ever",
    edits: [
      {
        file: "src/planner/build/floors.ts",
        from: "const isOurs = wasRestarted || planned.has(keyOf({ host, instance }));",
        to: 'const isOurs = planned.has(keyOf({ host, instance })) && state !== "STOPPED";',
      },
    ],
  },
  {
    name: "own-earlier-holder-is-another-name",
    what: "a holder of ours whose connection was lost, and whose host has not noticed, passes for another name of the host",
    edits: [{ file: "src/executor/locks.ts", from: "if (owner.host === host) {", to: 'if (owner.host === "") {' }],
  },
  {
    name: "to-be-started-and-failed-is-skipped",
    what: "what was STOPPED, was to be started and has failed when another user did so is skipped: the rollout succeeds with it down",
    edits: [
      {
        file: "src/rollout/actions.ts",
        from: "appliesTo: (state) => AT_REST.has(state),",
        to: 'appliesTo: (state) => state === "STOPPED",',
      },
    ],
  },
  {
    name: "exits-by-design-are-failures",
    what: "a worker that exits by design, and whose exits the plan accepts, is regressed in a pause",
    edits: [
      {
        file: "src/rollout/after-restart.ts",
        from: '...(on_expected_exit === "accept" && {',
        to: "...(on_expected_exit === undefined && {",
      },
    ],
  },
  {
    name: "any-exit-is-accepted",
    what: "where a plan accepts the exits that Supervisor expects, a crash passes for one",
    edits: [
      {
        file: "src/rollout/explained.ts",
        from: 'const other = ended.find(({ end }) => end !== "expected");',
        to: 'const other = ended.find(({ end }) => end === "stopped");',
      },
    ],
  },
  {
    name: "exited-for-a-moment-is-at-rest",
    what: "a look that comes between two processes of a worker shows EXITED, and is believed",
    edits: [
      {
        file: "src/rollout/evidence.ts",
        from: "if (this.showsNewlyExited(host, snapshots)) this",
        to: "if (this.showsNewlyExited(host, [])) this",
      },
    ],
  },
  {
    name: "a-one-shot-is-run-twice",
    what: "a resume runs again what had ended before the rollout, was run again, and has completed",
    edits: [
      {
        file: "src/planner/build/resume-action.ts",
        from: "if (serves && (hasCompleted(outcome) || (mayHaveCompleted && !hasCrashed(history))))",
        to: "if (serves && hasCompleted(outcome) && hasCrashed(history))",
      },
    ],
  },
  {
    name: "a-one-shot-that-was-not-run-has-completed",
    what: "a resume takes for done, or for failed, what was to be run again when its controller was killed, and was not",
    edits: [
      {
        file: "src/planner/build/resume-action.ts",
        from: "!serves && !isAsBefore(outcome, history)",
        to: "!(serves && isAsBefore(outcome, history))",
      },
    ],
  },
  {
    name: "leftovers-are-not-looked-for",
    what: "what the old process leaves behind answers the checks in place of the new one",
    had: "0.1.0",
    edits: [
      {
        file: "src/rollout/leftovers.ts",
        from: 'if (policy === "ignore" || this.oldPids.length === 0) this.answer',
        to: "this.answer",
      },
    ],
  },
  {
    name: "floor-is-off-by-one",
    what: "one instance more than the floor allows is taken down",
    edits: [
      {
        file: "src/rollout/capacity.ts",
        from: "counted.healthy - shareOf(counted) < counted.floor.min_healthy",
        to: "counted.healthy - shareOf(counted) < counted.floor.min_healthy - 1",
      },
    ],
  },
  {
    name: "begins-after-a-halt",
    what: "a host's next instance is restarted although the rollout has been halted",
    edits: [
      {
        file: "src/rollout/slots.ts",
        from: "return this.context.tally.stop ? undefined : this.waiting.shift();",
        to: "return this.waiting.shift();",
      },
      {
        file: "src/rollout/slots.ts",
        from: "    this.waiting = [];\n    this.retries = [];",
        to: "    this.retries = [];",
      },
    ],
  },
  {
    name: "min-healthy-time-is-not-waited-for",
    what: "an instance is healthy as soon as it is RUNNING",
    edits: [
      {
        file: "src/rollout/new-process-gate.ts",
        from: "this.timings.min_healthy_time_ms === 0 || issuedAtMs - this.found.sinceMs >= this.timings.min_healthy_time_ms;",
        to: "issuedAtMs >= 0;",
      },
    ],
  },
  {
    name: "half-done-is-skipped",
    what: "what our own lost restart has left STOPPED, and whose start could not be sent, passes for stopped on purpose",
    edits: [
      {
        file: "src/rollout/restart.ts",
        from: "        this.takenDownSinceMs ??= nowMs;\n",
        to: "",
      },
    ],
  },
  {
    name: "orphans-pass-for-ended",
    what: "an old process that outlived its killed supervisord passes for ended, and the new one for healthy",
    edits: [
      {
        file: "src/rollout/leftovers.ts",
        from: "if (successor && !isOrphan(process, successor)) this.ours.delete(process.pid);",
        to: "this.ours.delete(process.pid);",
      },
    ],
  },
  {
    name: "listeners-are-restarted-by-a-pattern",
    what: "a pattern takes event listeners as well, which no program names",
    had: "0.1.0",
    edits: [
      {
        file: "src/planner/build/listeners.ts",
        from: "return this.configOf(host, instance)?.is_listener === true;",
        to: "return false;",
      },
    ],
  },
  {
    name: "one-shots-are-run-again",
    what: "what has done its work and is EXITED is run again",
    had: "0.1.0",
    edits: [
      {
        file: "src/planner/build/picking.ts",
        from: 'if (!this.isAtRest(host, instance) || exited === "restart" || wasMeant) return undefined;',
        to: 'if (exited === "restart" || exited === "skip" || wasMeant) return undefined;',
      },
    ],
  },
  {
    name: "priorities-are-not-heeded",
    what: "a pattern takes programs by their names alone, not in the order in which Supervisor would start them",
    had: "0.1.0",
    edits: [
      {
        file: "src/planner/build/programs.ts",
        from: ".toSorted((a, b) => groupPriorityOf(a) - groupPriorityOf(b));",
        to: ".toSorted((a, b) => 0 * (groupPriorityOf(a) - groupPriorityOf(b)));",
      },
    ],
  },
  {
    name: "settings-of-programs-are-not-heeded",
    what: "an instance is judged by the settings of its host: the checks and hooks that its program has are not asked and not run",
    edits: [
      {
        file: "src/domain/rollout.ts",
        from: "return { ...work, ...(own ?? batch).settings, batches: [batch] };",
        to: "return { ...(own ?? batch).settings, ...work, batches: [batch] };",
      },
    ],
  },
  {
    name: "floors-of-patterns-are-not-counted",
    what: "a floor that a pattern has besides that of its group is not kept",
    edits: [
      {
        file: "src/rollout/capacity.ts",
        from: "this.floors = floors.map(",
        to: "this.floors = floors.filter(({ selects }) => !selects).map(",
      },
    ],
  },
  {
    name: "a-resume-forgets-hooks-of-programs",
    what: "what is still drained is known by the hooks of its host, not by those of its program: a resume does not put it back",
    edits: [
      {
        file: "src/planner/build/resumed.ts",
        from: "for (const { host, hooks, batches } of partsIn(rollout))",
        to: "for (const { host, hooks, batches } of worksOf(rollout))",
      },
    ],
  },
  {
    name: "exclusions-of-programs-are-ignored",
    what: "a program that the plan excludes from a pattern is restarted all the same",
    edits: [
      {
        file: "src/domain/selector.ts",
        from: "matches(instance) && !later.some((excludes) => excludes(instance))",
        to: "matches(instance) || later.some((excludes) => matches(instance) && excludes(instance))",
      },
    ],
  },
  {
    name: "a-failed-before-batch-is-ignored",
    what: "a batch is restarted although its before_batch hook has failed: its hosts were never taken out of service",
    edits: [
      {
        file: "src/rollout/wave-run.ts",
        from: 'return end === "failed" ? "after_batch" : "batch_finished";',
        to: 'return end === "failed" ? "hosts" : "batch_finished";',
      },
    ],
  },
  {
    name: "a-halt-leaves-batches-drained",
    what: "the after_batch hook does not run once the rollout stops: the whole batch stays out of service",
    edits: [
      {
        file: "src/rollout/wave-run.ts",
        from: 'return step && hooks.run("after_batch", step)',
        to: 'return step && !stop && hooks.run("after_batch", step)',
      },
    ],
  },
  {
    name: "an-interrupted-rest-leaves-waves-open",
    what: "the after_wave hook does not run where the rollout stops between two batches: the whole wave stays out of service",
    edits: [
      {
        file: "src/rollout/wave-run.ts",
        from: 'if (this.open) this.comes("after_wave", nowMs);',
        to: 'if (this.open && this.phase.name !== "resting") this.comes("after_wave", nowMs);',
      },
    ],
  },
  {
    name: "a-resume-forgets-batches",
    what: "a resume does not know which batches may be drained, and puts back only the hosts that it restarts",
    edits: [
      {
        file: "src/domain/drains.ts",
        from: "...(this.batches.size > 0 && {",
        to: "...(this.batches.size < 0 && {",
      },
    ],
  },
  {
    name: "a-resume-puts-back-only-its-own",
    what: "the after_batch hook of a resume is not about the hosts of its batch that are done: they stay out of service, and the preview does not say so",
    edits: [
      {
        file: "src/domain/wave-hooks.ts",
        from: 'hook.startsWith("after_") ? (left ?? [])',
        to: 'hook === "after_wave" ? (left ?? [])',
      },
    ],
  },
];
