import assert from "node:assert/strict";
import type { ProcessState } from "../../src/domain/process-state.ts";
import type { Behaviour } from "../fleet/behaviour.ts";

export type Act = "stop" | "start" | "restart";

/** What is done to one RUNNING process, and what looks at it must show then. */
export interface Script {
  readonly what: string;
  /** Before anything is recorded: it is restarted with this behaviour, until it is in this state. */
  readonly first?: { readonly behaviour: Behaviour; readonly until: ProcessState };
  /** From its next start on. */
  readonly behaviour: Behaviour;
  /** The first at once, each further one when a look shows the state. */
  readonly acts: readonly [Act, ...{ readonly when: ProcessState; readonly act: Act }[]];
  /** States in order, RUNNING with which process it is. The recording ends at the last. */
  readonly shows: readonly string[];
  /** Too short to be seen by every look, so that they are left out. */
  readonly fleeting: readonly ProcessState[];
  /** Whether supervisord does what it is asked to, where that does not depend on when it looks itself. */
  readonly answers?: readonly ("done" | "refused")[];
}

export interface Played {
  /** Each state that a look showed and the look before it did not. */
  readonly shown: readonly string[];
  readonly answers: readonly string[];
}

const HEALTHY: Behaviour = { kind: "healthy" };

export const SCRIPTS: readonly Script[] = [
  {
    what: "a restart of one that is RUNNING gives it another process",
    behaviour: HEALTHY,
    acts: ["restart"],
    shows: ["RUNNING 1", "STARTING", "RUNNING 2"],
    fleeting: ["STOPPING", "STOPPED"],
    answers: ["done"],
  },
  {
    what: "a restart of one that is STOPPED starts it",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "file_gone" }, until: "STOPPED" },
    acts: ["restart"],
    shows: ["STOPPED", "STARTING", "RUNNING 1"],
    fleeting: [],
    answers: ["done"],
  },
  {
    what: "a restart of one that is FATAL starts it",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "crash_at_start" }, until: "FATAL" },
    acts: ["restart"],
    shows: ["FATAL", "STARTING", "RUNNING 1"],
    fleeting: [],
    answers: ["done"],
  },
  {
    what: "one that crashes at every start is in BACKOFF, then FATAL",
    behaviour: { kind: "crash_at_start" },
    acts: ["restart"],
    shows: ["RUNNING 1", "BACKOFF", "FATAL"],
    fleeting: ["STOPPING", "STOPPED", "STARTING"],
    answers: ["refused"],
  },
  {
    what: "one that crashes twice recovers from BACKOFF",
    behaviour: { kind: "recovers", failures: 2 },
    acts: ["restart"],
    shows: ["RUNNING 1", "BACKOFF", "RUNNING 2"],
    fleeting: ["STOPPING", "STOPPED", "STARTING"],
  },
  {
    what: "one that dies after startsecs is started again and again, and never FATAL",
    behaviour: { kind: "crash_after", seconds: 2 },
    acts: ["restart"],
    shows: ["RUNNING 1", "STARTING", "RUNNING 2", "STARTING", "RUNNING 3"],
    fleeting: ["STOPPING", "STOPPED", "EXITED"],
    answers: ["done"],
  },
  {
    what: "a slow stop is STOPPING until it ends",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "slow_stop", seconds: 2 }, until: "RUNNING" },
    acts: ["restart"],
    shows: ["RUNNING 1", "STOPPING", "STARTING", "RUNNING 2"],
    fleeting: ["STOPPED"],
    answers: ["done"],
  },
  {
    what: "one whose file is missing stays STOPPED",
    behaviour: { kind: "file_gone" },
    acts: ["restart"],
    shows: ["RUNNING 1", "STOPPED"],
    fleeting: ["STOPPING"],
    answers: ["refused"],
  },
  {
    what: "a second stop of one that is STOPPING is refused and changes nothing",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "slow_stop", seconds: 2 }, until: "RUNNING" },
    acts: ["stop", { when: "STOPPING", act: "stop" }],
    shows: ["RUNNING 1", "STOPPING", "STOPPED"],
    fleeting: [],
    answers: ["refused", "done"],
  },
  {
    what: "a start of one that is STOPPING is refused, and it ends STOPPED",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "slow_stop", seconds: 2 }, until: "RUNNING" },
    acts: ["stop", { when: "STOPPING", act: "start" }],
    shows: ["RUNNING 1", "STOPPING", "STOPPED"],
    fleeting: [],
    answers: ["refused", "done"],
  },
  {
    what: "a stop ends a start that is under way",
    behaviour: HEALTHY,
    acts: ["restart", { when: "STARTING", act: "stop" }],
    shows: ["RUNNING 1", "STARTING", "STOPPED"],
    fleeting: ["STOPPING", "STOPPED"],
  },
];

/** What every supervisord does, be it real or simulated: it is what looks show, in this order. */
export function describeSupervisord(name: string, play: (script: Script, index: number) => Promise<Played>): void {
  describe(`${name}, as looks show it`, () => {
    for (const [index, script] of SCRIPTS.entries())
      it(script.what, async () => {
        const { shown, answers } = await play(script, index);
        assert.deepEqual(withoutFleeting(shown, script), script.shows);
        if (script.answers) assert.deepEqual([...answers], script.answers);
      });
  });
}

/** True once the looks have shown the last of what they are to show. */
export function isPlayed(shown: readonly string[], script: Script): boolean {
  const seen = withoutFleeting(shown, script);
  return seen.length >= script.shows.length && shown.at(-1) === script.shows.at(-1);
}

/** The last state is no fleeting one, even where it was before. */
function withoutFleeting(shown: readonly string[], { fleeting, shows }: Script): string[] {
  const isEnd = (state: string, index: number) => index === shown.length - 1 && state === shows.at(-1);
  const seen = shown.filter((state, index) => !fleeting.includes(state as ProcessState) || isEnd(state, index));
  return seen.filter((state, index) => state !== seen[index - 1]);
}

/** Keeps what looks show: a state once for as long as it lasts, and each process with its number. */
export class Looked {
  readonly shown: string[] = [];
  private readonly pids: number[] = [];

  see(state: ProcessState, pid: number | undefined): void {
    const shown = state === "RUNNING" ? `RUNNING ${this.numberOf(pid ?? 0)}` : state;
    if (this.shown.at(-1) !== shown) this.shown.push(shown);
  }

  private numberOf(pid: number): number {
    if (!this.pids.includes(pid)) this.pids.push(pid);
    return this.pids.indexOf(pid) + 1;
  }
}
