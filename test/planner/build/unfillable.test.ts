import assert from "node:assert/strict";
import { refuseUnfillable } from "../../../src/planner/build/unfillable.ts";
import { planOf, rolloutOf } from "../preview/plans.ts";

function refused(settings: string, instances: readonly string[], env: Record<string, string> = {}): string[] {
  const plan = planOf(`programs: "*"\nhosts: { h: }\n${settings}\n`);
  return refuseUnfillable(rolloutOf(plan, { h: instances }), env).map(({ code, host, reason }) => {
    assert.deepEqual([code, host], ["placeholder_unusable", "h"]);
    return reason;
  });
}

describe("what cannot be filled in for an instance is refused before anything is taken down", () => {
  it("a check or a hook of a restart with {number}, where the process name does not end with one", () => {
    const why = "{number} cannot be filled in: the process name does not end with a number";
    assert.deepEqual(refused('checks: [{ http: "http://127.0.0.1:80{number}/" }]', ["web:web_01", "beat", "cron"]), [
      `beat cron: its check http http://127.0.0.1:80{number}/: ${why}`,
    ]);
    assert.deepEqual(refused('checks: [{ command: "test -e /run/{number}" }]', ["beat"]), [
      `beat: its check command test -e /run/{number}: ${why}`,
    ]);
    for (const hook of ["before_restart", "after_healthy"])
      assert.deepEqual(refused(`hooks: { ${hook}: "/opt/lb drain {number}" }`, ["beat"]), [
        `beat: its ${hook} hook: ${why}`,
      ]);
  });

  it("a check of which the placeholders or the environment make no place to ask", () => {
    const ofPort = (port: string) =>
      refused(`vars: { port: "${port}" }\nchecks: [{ http: "http://127.0.0.1:{vars.port}/" }]`, ["web:web_01"]);
    assert.deepEqual(ofPort("80"), []);
    assert.deepEqual(ofPort("80a"), [
      "web:web_01: its check http http://127.0.0.1:{vars.port}/: with its placeholders filled in, it is not a URL",
    ]);
    const tcp = 'checks: [{ tcp: "127.0.0.1:80{number}99" }]';
    assert.deepEqual(refused(tcp, ["web:web_7", "web:web_777"]), [
      "web:web_[7,777]: its check tcp 127.0.0.1:80{number}99: with its placeholders filled in, it is not an address with a port",
    ]);
  });

  it("but never what only the run knows", () => {
    assert.deepEqual(refused('hooks: { on_failure: "page {number} {reason}" }', ["beat"]), []);
    assert.deepEqual(refused('checks: [{ http: "http://{host}/{program}/{process}/{pid}/{old_pid}" }]', ["beat"]), []);
  });
});
