import assert from "node:assert/strict";
import { until } from "./until.ts";

describe("until", () => {
  it("gives the first answer that is true, after those that are not or that throw", async () => {
    const answers = [() => undefined, () => assert.fail("not yet"), () => "yes", () => "too late"];
    assert.equal(await until(() => answers.shift()?.(), { deadlineMs: 60_000, everyMs: 1 }), "yes");
    assert.equal(answers.length, 1);
  });

  it("says after its deadline what it waited for, and why it was not so", async () => {
    await assert.rejects(
      until(() => assert.fail("refused"), { deadlineMs: 5, everyMs: 1, what: "the host answers" }),
      /not within 5 ms: the host answers: .*refused/,
    );
  });

  it("looks once even with no time at all", async () => {
    assert.equal(await until(() => 1, { deadlineMs: 0 }), 1);
  });
});
