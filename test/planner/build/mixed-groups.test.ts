import assert from "node:assert/strict";
import { instance, planOf, preview, type Hosts } from "../preview/plans.ts";

const FLOOR = "limits: { min_healthy: 50% }\n";

/** A host whose sections are known. */
function sectioned(...of: readonly [name: string, section: string][]): Hosts[string] {
  return of.map(([name, section]) => instance(name, { config: { section, is_listener: false } }));
}

const APP = ["app:beat", "app:celery_0", "app:celery_1", "app:web_00", "app:web_01", "app:web_02"];

function previewOf(programs: string, hosts: Hosts, settings = FLOOR): string {
  return preview(planOf(`programs: ${programs}\nhosts: { ${Object.keys(hosts).join(": , ")}: }\n${settings}`), hosts);
}

describe("the floor of a group with several programs", () => {
  it("says what it counts, and that all of one program may be down while it is kept", () => {
    const text = previewOf("app", { h: APP });
    assert.match(text, /^ {2}app: 5 of 6 \(min_healthy: 3 of beat \(1\), celery \(2\) and web \(3\) together\)$/m);
    assert.match(
      text,
      /^ {2}min_healthy counts the whole group app: its floor of 3 is kept by any 3 of beat \(1\), celery \(2\) and web \(3\), even with none of app:beat, or none of app:celery, or none of app:web$/m,
    );
    const high = previewOf("app", { h: APP }, "limits: { min_healthy: 5 }\n");
    assert.match(high, /is kept by any 5 of beat \(1\), celery \(2\) and web \(3\), even with none of app:beat$/m);
  });

  it("is known from the sections of the configuration, over all hosts", () => {
    const one = sectioned(["app:a", "web"], ["app:b", "web"], ["app:c", "worker"]);
    const text = previewOf('"app:a"', { h: one, other: one });
    assert.match(text, /^ {2}app: 5 of 6 \(min_healthy: 3 of web \(4\) and worker \(2\) together\)$/m);
    const alike = sectioned(["app:a", "web"], ["app:b", "web"], ["app:c", "web"]);
    assert.doesNotMatch(previewOf("app", { h: alike }), /together|whole group/);
  });

  it("is no matter for a group of one program, however many processes it has, or without a floor", () => {
    const one = { h: ["web:web_8", "web:web_9", "web:web_10", "0:1", "0:2", "x:a-1", "x:a-2"] };
    assert.doesNotMatch(previewOf('"*"', one), /together|whole group/);
    assert.doesNotMatch(previewOf("app", { h: APP }, ""), /together|whole group/);
  });
});
