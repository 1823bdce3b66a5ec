import assert from "node:assert/strict";
import fc from "fast-check";
import { jumpText, parseJumps, type Jump } from "../../../src/hosts/ssh-config/ssh-jump.ts";
import { defaultBackoff } from "../../../src/hosts/ssh/ssh-retry.ts";
import { violationsOf } from "../../../src/planner/schema/schema-errors.ts";

describe("the hosts to go through", () => {
  it("are read as ssh's -J reads them", () => {
    assert.deepEqual(parseJumps("bastion"), [{ host: "bastion" }]);
    assert.deepEqual(parseJumps("jump@outer:2222,inner"), [
      { user: "jump", host: "outer", port: 2222 },
      { host: "inner" },
    ]);
    assert.deepEqual(parseJumps("[fd00::1]:22"), [{ host: "fd00::1", port: 22 }]);
    assert.deepEqual(parseJumps("ssh://jump@outer:2222/"), [{ user: "jump", host: "outer", port: 2222 }]);
  });

  it("are not what ssh could take for an option, or what is none", () => {
    for (const text of ["", "a,,b", "-oProxyCommand=x", "a b", "a:0", "a:65536", "fd00::1", "@a", "a:", "http://a/"])
      assert.equal(parseJumps(text), undefined, text);
  });

  it("are written as they are read, and the plan's schema takes all of these", () => {
    const host = fc.oneof(fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,9}$/), fc.constantFrom("fd00::1", "10.0.0.5"));
    const jump = fc.record(
      { user: fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/), host, port: fc.integer({ min: 1, max: 65535 }) },
      { requiredKeys: ["host"], noNullPrototype: true },
    ) as fc.Arbitrary<Jump>;
    fc.assert(
      fc.property(fc.array(jump, { minLength: 1, maxLength: 3 }), (jumps) => {
        const text = jumps.map(jumpText).join(",");
        assert.deepEqual(parseJumps(text), jumps);
        assert.deepEqual(violationsOf({ hosts: { x: null }, ssh: { proxy_jump: text } }), []);
      }),
    );
  });

  it("are read by the client wherever the plan's schema takes them", () => {
    const text = fc.stringMatching(/^[a@,:[\]1/. -]{1,12}$/);
    fc.assert(
      fc.property(text, (proxy_jump) => {
        const isTaken = violationsOf({ hosts: { x: null }, ssh: { proxy_jump } }).length === 0;
        if (isTaken) assert.ok(parseJumps(proxy_jump), proxy_jump);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the wait for another handshake", () => {
  it("grows, differs by chance, and comes to an end within some seconds", () => {
    const waits = () => {
      const all: number[] = [];
      for (let dropped = 1; ; dropped += 1) {
        const ms = defaultBackoff(dropped);
        if (ms === undefined) return all;
        all.push(ms);
      }
    };
    const [some, others] = [waits(), waits()];
    assert.notDeepEqual(some, others);
    for (const [index, ms] of some.entries()) assert.ok(ms >= 100 * 2 ** index && ms <= 300 * 2 ** index, `${ms}`);
    assert.ok(some.length >= 3 && some.reduce((sum, ms) => sum + ms, 0) < 10_000);
  });
});
