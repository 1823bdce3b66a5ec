import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { Terminal } from "../views/terminal.ts";
import { describeEachWay } from "./each-way.ts";
import { BUNDLE, eventsOf, orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

const SCREEN = { columns: 120, rows: 40 };
const QUESTION = /host-1 web:web_01\? +r: retry, s: skip \(count it as failed and continue\), x: halt/;

describeEachWay("on_failure: ask", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 3 }], reachedBy });
    await fleet.host("host-1").behave("web:web_01", { kind: "file_gone" });
  });
  afterEach(() => fleet.down());

  async function untilAsked(use: (terminal: Terminal) => Promise<void>): Promise<void> {
    const plan = await writePlan(fleet, { on_failure: "ask" });
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${plan}'`, SCREEN, {
      ORCHESTRATE_STATE_DIR: `${fleet.dir}/state`,
    });
    try {
      await terminal.shows(QUESTION);
      await use(terminal);
    } finally {
      await terminal.close();
    }
  }

  /** A key that comes with the question, before anybody can have read it, is no answer: it is pressed again. */
  async function answer(terminal: Terminal, key: string): Promise<void> {
    const isAnswered = async () => {
      await terminal.press(key);
      return !QUESTION.test(await terminal.screen());
    };
    await until(isAnswered, { deadlineMs: 20_000, what: `${key} to be taken` });
  }

  it("restarts what has been mended again at r, and ends as if nothing had been", () =>
    untilAsked(async (terminal) => {
      await fleet.host("host-1").behave("web:web_01", { kind: "healthy" });
      await answer(terminal, "r");
      await terminal.shows(/succeeded: plan[^]*3 healthy[^]*exit 0/);
    }));

  it("leaves it failed and goes on at s", () =>
    untilAsked(async (terminal) => {
      await answer(terminal, "s");
      await terminal.shows(/incomplete: plan[^]*2 healthy, 1 failed[^]*exit 1/);
    }));

  itInFull("halts at x, with the failure as the reason", () =>
    untilAsked(async (terminal) => {
      await answer(terminal, "x");
      await terminal.shows(/halted: plan[^]*1 healthy, 1 failed[^]*1 untouched[^]*stayed_stopped[^]*exit 1/);
    }),
  );

  it("halts at Ctrl-C, since the failure has no answer, and gives the terminal back", () =>
    untilAsked(async (terminal) => {
      await terminal.press("C-c");
      await terminal.shows(/halted: plan[^]*1 healthy, 1 failed[^]*1 untouched[^]*exit 1/);
    }));

  it("is the same as stop where there is no terminal", async () => {
    const ended = await orchestrate(await writePlan(fleet, { on_failure: "ask" }), "--output", "json");
    assert.equal(ended.code, 1);
    const types = eventsOf(ended).map(({ type }) => type);
    assert.ok(types.includes("rollout.halted") && !types.includes("rollout.asking"));
  });
});

describeEachWay("pause: ask", (reachedBy) => {
  const PAUSED = /paused after canary: continue\? {2}y: continue, n: stop here \(resumable\)/;
  const groups = { canary: { hosts: "host-1" }, rest: { hosts: "host-2" } };
  const rollout = [{ group: "canary", pause: "ask" }, { group: "rest" }];
  let fleet: Fleet;
  beforeEach(
    async () => void (fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 1 }], reachedBy })),
  );
  afterEach(() => fleet.down());

  async function answered(key: string, ending: RegExp): Promise<string> {
    const plan = await writePlan(fleet, { groups, rollout });
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${plan}'`, SCREEN, {
      ORCHESTRATE_STATE_DIR: `${fleet.dir}/state`,
    });
    try {
      await terminal.shows(PAUSED);
      // One that comes with the question is not taken, so that nobody answers what they cannot have read.
      const isTaken = async () => {
        await terminal.press(key);
        return !PAUSED.test(await terminal.screen());
      };
      await until(isTaken, { deadlineMs: 20_000, what: `${key} to be taken` });
      return await terminal.shows(ending);
    } finally {
      await terminal.close();
    }
  }

  it("goes on at y", () => answered("y", /succeeded: plan[^]*2 healthy[^]*exit 0/));

  itInFull("ends at n, to be resumed", async () => {
    const screen = await answered("n", /interrupted: plan[^]*exit 4/);
    assert.match(screen, /1 healthy, 0 failed, 1 untouched[^]*orchestrate \S+ --resume \S+/);
  });

  it("ends where nobody can be asked, with exit 4", async () => {
    const ended = await orchestrate(await writePlan(fleet, { groups, rollout }), "--output", "plain");
    assert.equal(ended.code, 4, ended.stdout);
    assert.match(ended.stdout, /paused after wave 1 \(canary\)[^]*1 healthy, 0 failed, 1 untouched/);
  });
});

describeEachWay("a second Ctrl-C at the tree", (reachedBy) => {
  it("leaves at once, and the report tells what the hooks have left drained and how to continue", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }], reachedBy });
    try {
      const plan = await writePlan(fleet, {
        hooks: { before_restart: "true", after_healthy: "sleep 600" },
        timings: { ...quickTimings, command_timeout: "10m" },
      });
      const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${plan}'`, SCREEN, {
        ORCHESTRATE_STATE_DIR: `${fleet.dir}/state`,
      });
      try {
        await terminal.shows(/waiting for host-1 web:web_00 after_healthy hook/);
        await terminal.press("C-c");
        await terminal.shows(/SIGINT: no new restarts; press again to quit/);
        await terminal.press("C-c");
        const screen = await terminal.shows(/interrupted: plan[^]*exit 4/);
        assert.match(
          screen,
          /still drained\n {2}host-1 web:web_00\n {4}before_restart ran[^]*--resume\s+does\s+that\s+too/,
        );
        assert.match(screen, /[Rr]esume:\n {4}orchestrate \S+ --resume \S+/);
      } finally {
        await terminal.close();
      }
    } finally {
      await fleet.down();
    }
  });
});
