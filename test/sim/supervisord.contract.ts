import assert from "node:assert/strict";
import pLimit from "p-limit";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { ChangeOutcome, LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessState } from "../../src/domain/process-state.ts";
import type { Behaviour } from "../fleet/behaviour.ts";

/** What a rollout has of a supervisord, and what else happens to it. */
export interface PlayedHost {
  /** Each a little later than the one before. */
  look(): Promise<LookOutcome>;
  change(action: "restart" | "start", instance: InstanceName): Promise<ChangeOutcome>;
  /** Another user at the host's own shell. Rejects where that is refused. */
  stop(instance: InstanceName): Promise<void>;
  /** From its next start on. */
  behave(instance: InstanceName, behaviour: Behaviour): Promise<void>;
  close(): Promise<void>;
}

type Act = "stop" | "start" | "restart";

/** What is done to one RUNNING process, and what looks at it must show then. */
interface Script {
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
  /** Whether supervisord does what each act asks of it, where that does not depend on when it looks itself. */
  readonly answers?: readonly ("done" | "refused")[];
}

/**
 * The startsecs of each instance of a played host. STARTING lasts as long, and so does what it takes for a crash at the
 * start not to be taken for RUNNING: a busy machine may pause the observer for some 2 s.
 */
export const STARTSECS = 3;

/** Long enough to be given something meanwhile, and less than the 10 s after which supervisord kills it. */
const MOST_STOPSECS = 8;

const HEALTHY: Behaviour = { kind: "healthy" };

const SCRIPTS: readonly Script[] = [
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
    behaviour: { kind: "crash_after", seconds: 2 * STARTSECS },
    acts: ["restart"],
    shows: ["RUNNING 1", "STARTING", "RUNNING 2", "STARTING", "RUNNING 3"],
    fleeting: ["STOPPING", "STOPPED", "EXITED"],
    answers: ["done"],
  },
  {
    what: "a slow stop is STOPPING until it ends",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "slow_stop", seconds: 4 }, until: "RUNNING" },
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
    first: { behaviour: { kind: "slow_stop", seconds: MOST_STOPSECS }, until: "RUNNING" },
    acts: ["stop", { when: "STOPPING", act: "stop" }],
    shows: ["RUNNING 1", "STOPPING", "STOPPED"],
    fleeting: [],
    answers: ["done", "refused"],
  },
  {
    what: "a start of one that is STOPPING is refused, and it ends STOPPED",
    behaviour: HEALTHY,
    first: { behaviour: { kind: "slow_stop", seconds: MOST_STOPSECS }, until: "RUNNING" },
    acts: ["stop", { when: "STOPPING", act: "start" }],
    shows: ["RUNNING 1", "STOPPING", "STOPPED"],
    fleeting: [],
    answers: ["done", "refused"],
  },
  {
    what: "a stop ends a start that is in progress",
    behaviour: HEALTHY,
    acts: ["restart", { when: "STARTING", act: "stop" }],
    shows: ["RUNNING 1", "STARTING", "STOPPED"],
    fleeting: ["STOPPING", "STOPPED"],
  },
];

/** As many instances, of one group, as a played host must have; each RUNNING, with {@link STARTSECS}. */
export const INSTANCES = SCRIPTS.map((_, index) => `web:web_${String(index).padStart(2, "0")}` as InstanceName);

/** They take seconds each, and one processor would be late with more. */
const AT_ONCE = 4;

/** More looks than any script takes. */
const MOST_LOOKS = 2500;

/**
 * What every supervisord does, be it real or simulated, whatever leads there: it is what looks show, in this order.
 *
 * @param open a host with {@link INSTANCES}
 */
export function describeSupervisord(name: string, open: () => Promise<PlayedHost>): void {
  describe(`${name}, as looks show it`, () => {
    let host: PlayedHost;
    let played: Promise<Played>[];
    before(async () => {
      host = await open();
      const inTurn = pLimit(AT_ONCE);
      played = SCRIPTS.map((script, index) => inTurn(() => play(host, INSTANCES[index]!, script)));
      // Each test reports its own.
      for (const each of played) each.catch(() => undefined);
    });
    after(() => host.close());

    for (const [index, script] of SCRIPTS.entries())
      it(script.what, async () => {
        const { shown, answers } = await played[index]!;
        assert.deepEqual(shown, script.shows);
        if (script.answers) assert.deepEqual(answers, script.answers);
      });

    it("what it does not know is refused, and another stays as it is", async () => {
      // Of those that have played, some die again and again.
      const before = stateOf(await host.look(), INSTANCES[0]!);
      const answer = await host.change("restart", "web:web_99" as InstanceName);
      assert.equal(answer.kind === "returned" && said(answer), "refused");
      const after = stateOf(await host.look(), INSTANCES[0]!);
      assert.deepEqual([after.state, after.pid], ["RUNNING", before.pid]);
    });
  });
}

interface Played {
  /** Each state that a look showed and the look before it did not. */
  readonly shown: readonly string[];
  readonly answers: readonly string[];
}

async function play(host: PlayedHost, instance: InstanceName, script: Script): Promise<Played> {
  const { first, behaviour, acts } = script;
  if (first) {
    await host.behave(instance, first.behaviour);
    await host.change("restart", instance);
    for (let looks = 0; stateOf(await host.look(), instance).state !== first.until; looks++)
      assert.ok(looks < MOST_LOOKS, `it is not ${first.until}`);
  }
  await host.behave(instance, behaviour);
  const looked = new Looked(script);
  const asked: Promise<string>[] = [];
  let answered = 0;
  const ask = (act: Act) => asked.push(answerTo(host, act, instance).finally(() => answered++));
  const [begin, ...further] = acts;
  for (let looks = 0; !looked.all; looks++) {
    assert.ok(looks < MOST_LOOKS, `looks showed ${looked.shown.join(", ")}`);
    const { state, pid } = stateOf(await host.look(), instance);
    looked.see(state, pid);
    if (looks === 0) ask(begin);
    while (further[0]?.when === state) ask(further.shift()!.act);
  }
  // In virtual time nothing happens between looks.
  for (let looks = 0; answered < asked.length && looks < MOST_LOOKS; looks++) await host.look();
  return { shown: looked.shown, answers: await Promise.all(asked) };
}

async function answerTo(host: PlayedHost, act: Act, instance: InstanceName): Promise<string> {
  if (act !== "stop") return said(await host.change(act, instance));
  return host.stop(instance).then(
    () => "done",
    () => "refused",
  );
}

/** A restart is a stop and a start: the last word is the start's. */
function said(outcome: ChangeOutcome): string {
  assert.ok(outcome.kind === "returned", JSON.stringify(outcome));
  return outcome.said.endsWith(": started") ? "done" : "refused";
}

function stateOf(outcome: LookOutcome, instance: InstanceName) {
  assert.ok(outcome.kind === "seen", JSON.stringify(outcome));
  return outcome.snapshots.find((snapshot) => snapshot.instance === instance)!;
}

/** Keeps what looks show: a state once for as long as it lasts, and each process with its number. */
class Looked {
  private readonly script: Pick<Script, "shows" | "fleeting">;
  private readonly states: string[] = [];
  private readonly pids: number[] = [];

  constructor(script: Pick<Script, "shows" | "fleeting">) {
    this.script = script;
  }

  see(state: ProcessState, pid: number | undefined): void {
    const shown = state === "RUNNING" ? `RUNNING ${this.numberOf(pid ?? 0)}` : state;
    if (this.states.at(-1) !== shown) this.states.push(shown);
  }

  /** Without what is fleeting, unless it is the last that was to be shown and has been: it is none there. */
  get shown(): readonly string[] {
    const { shows, fleeting } = this.script;
    const isEnd = (state: string, index: number) => index === this.states.length - 1 && state === shows.at(-1);
    const seen = this.states.filter((state, index) => !fleeting.includes(state as ProcessState) || isEnd(state, index));
    return seen.filter((state, index) => state !== seen[index - 1]);
  }

  /** True once the last of what was to be shown is there. */
  get all(): boolean {
    const { shows } = this.script;
    return this.shown.length >= shows.length && this.states.at(-1) === shows.at(-1);
  }

  private numberOf(pid: number): number {
    if (!this.pids.includes(pid)) this.pids.push(pid);
    return this.pids.indexOf(pid) + 1;
  }
}
