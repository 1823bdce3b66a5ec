import assert from "node:assert/strict";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { Terminal } from "../views/terminal.ts";
import { BUNDLE, eventsOf, orchestrate, writePlan } from "./orchestrate.ts";

const SCREEN = { columns: 120, rows: 40 };
const QUESTION = /host-1 web:web_01\? +r: do it again, s: leave it failed and go on, x: halt here/;

describe("on_failure: ask", () => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 3 }] });
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

  it("halts at x, with the failure as the reason", () =>
    untilAsked(async (terminal) => {
      await answer(terminal, "x");
      await terminal.shows(/halted: plan[^]*1 healthy, 1 failed[^]*1 untouched[^]*stayed_stopped[^]*exit 1/);
    }));

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
