import assert from "node:assert/strict";
import { EXIT } from "../../../src/domain/failures.ts";
import type { Journal, View } from "../../../src/executor/ports.ts";
import type { RunArguments } from "../../../src/cli/arguments/arguments.ts";
import { BugEnd } from "../../../src/cli/terminal/bug.ts";
import type { OpenedWorld } from "../../../src/cli/prepare/fleet.ts";
import { Lifetime } from "../../../src/cli/commands/lifetime.ts";
import { Preflight } from "../../../src/cli/prepare/preflight.ts";
import type { PlanToRun } from "../../../src/cli/prepare/plan-to-run.ts";

const BUG = new Error("a bug");

/** What a rollout has at its end, one of which may have a bug. */
function rollout(broken?: "hosts" | "screen" | "journal") {
  const done: string[] = [];
  const step = (name: string) => () => {
    if (name === broken) throw BUG;
    done.push(name);
    return Promise.resolve(undefined);
  };
  const viewOf = (name: string): View => ({ show: () => undefined, end: step(name) });
  const given = { plan: "plan.yaml" } as RunArguments;
  const preflight = new Preflight({} as PlanToRun, given, [viewOf("screen"), viewOf("page")]);
  const kept: Journal = {
    append: () => undefined,
    durable: () => Promise.resolve(undefined),
    close: step("journal"),
  };
  preflight.recorder.keepIn(kept);
  const world = { fleet: new Map(), close: step("hosts") } as unknown as OpenedWorld;
  return { done, life: new Lifetime(preflight, world, new BugEnd()) };
}

describe("the end of a rollout", () => {
  const all = ["hosts", "journal", "page", "screen"];
  for (const [what, broken] of [
    ["the hosts cannot be let go", "hosts"],
    ["a view cannot be ended", "screen"],
    ["the journal cannot be closed", "journal"],
  ] as const)
    it(`comes to all else where ${what}, and the bug is told`, async () => {
      const { done, life } = rollout(broken);
      await assert.rejects(
        life.live(() => Promise.resolve(EXIT.done)),
        BUG,
      );
      assert.deepEqual(
        done.sort(),
        all.filter((each) => each !== broken),
      );
    });

  it("comes to all where the rollout itself has a bug", async () => {
    const { done, life } = rollout();
    await assert.rejects(
      life.live(() => Promise.reject(BUG)),
      BUG,
    );
    assert.deepEqual(done.sort(), all);
  });
});
