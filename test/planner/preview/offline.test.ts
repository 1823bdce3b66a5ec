import assert from "node:assert/strict";
import { offlineText, planOffline } from "../../../src/planner/preview/preview-offline.ts";
import { narrowed, planOf } from "./plans.ts";

const PLAN = planOf(`
programs: web
hosts: { "web-[01-08]": , job-1: }
groups:
  canary: { hosts: web-01 }
  web: { hosts: ["web-*", "!@canary"], batches: { hosts: [1, 3], instances: 25% } }
  jobs: { hosts: job-1, programs: [worker, "mail:*"], batches: { mode: sliding } }
rollout: [{ group: canary, pause: ask }, { group: web }, { group: jobs }]
timings: { between_batches: 30s }
`);

describe("the preview without contact", () => {
  it("shows hosts, batches, pauses and programs as named", () => {
    assert.equal(
      offlineText(PLAN),
      `prod: 9 hosts, none of them contacted

wave 1 of 3: canary
  programs: web
  instances of a program on one host: 1 at a time
  batch 1 of 1: 1 host
    web-01
  then it asks whether to continue

wave 2 of 3: web
  programs: web
  instances of a program on one host: 25% at a time
  30s between batches
  batch 1 of 3: 1 host
    web-02
  batches 2-3 of 3: 3 hosts each
    web-[03-08]

wave 3 of 3: jobs
  programs: worker, mail:*
  instances of a program on one host: 1 at a time
  batch 1 of 1: 1 host
    job-1

A host with nothing to restart leaves its place in a batch to the next; --dry-run without --offline shows instances.
`,
    );
  });

  it("shows the hooks around a wave and its batches", () => {
    const text = offlineText(
      planOf("programs: web\nhosts: { a: }\nhooks: { before_batch: ./drain, after_wave: ./test }\n"),
    );
    assert.match(
      text,
      / {2}around the wave:\n {4}after_wave on the controller: .\/test\n {2}around each batch:\n {4}before_batch on the controller: .\/drain\n/,
    );
  });

  it("shows the checks and hooks of each program, once for all that have the same", () => {
    const text = offlineText(
      planOf(`
programs:
  - web: { checks: [{ http: "http://127.0.0.1:8080/" }] }
  - worker: { checks: [], hooks: { before_restart: ./drain } }
  - "app:*"
  - beat
checks: [{ tcp: "127.0.0.1:{vars.port}" }]
vars: { port: 1 }
groups:
  first: { hosts: a }
  rest: { hosts: ["b", "c"], programs: ["app:web", worker], hooks: { before_host: ./on } }
hosts:
  a:
  b:
  c: { checks: [] }
`),
    );
    const around = text.split("\n").filter((line) => /around|^ {4}(check|before)/.test(line));
    assert.deepEqual(around, [
      "  around each instance of web:",
      "    check from the host: http://127.0.0.1:8080/ answers 200",
      "  around each instance of worker:",
      "    before_restart on the host: ./drain",
      "  around each instance of app:*, beat:",
      "    check from the host: 127.0.0.1:{vars.port} accepts a connection",
      "  around each host:",
      "    before_host on the host: ./on",
      "  around each instance of app:web on b:",
      "    check from the host: 127.0.0.1:{vars.port} accepts a connection",
      "  around each instance of worker:",
      "    before_restart on the host: ./drain",
    ]);
  });

  it("shows them once where no program has settings", () => {
    const text = offlineText(planOf("programs: web\nhosts: { a: , b: }\nhooks: { after_healthy: ./enable }\n"));
    assert.match(text, /\n {2}around each instance:\n {4}after_healthy on the host: \.\/enable\n/);
  });

  it("holds to the selection", () => {
    const { waves } = planOffline(narrowed(PLAN, { limit: ["web-[02-04]"] }));
    assert.deepEqual(
      waves.map(({ group, batches }) => [group, batches.map(({ hosts }) => hosts)]),
      [["web", [["web-02"], ["web-03", "web-04"]]]],
    );
  });
});
