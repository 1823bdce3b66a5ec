import assert from "node:assert/strict";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { Clock } from "../../../src/executor/ports.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { jobSummaryText } from "../../../src/views/page/job-summary.ts";
import { createPlainView } from "../../../src/views/lines/plain.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";
import { Browser } from "../page/browser.ts";
import {
  batchFinished,
  batchStarted,
  failed,
  finished,
  observed,
  planned,
  recorded,
  restarted,
  restarting,
  waveStarted,
} from "../rollout-script.ts";
import { Sink } from "../sink.ts";

const PLAN = planned({ waves: [{ group: "web", hosts: ["web-01", "web-02"], hostsAtOnce: 1 }], instances: ["web:0"] });

/** A host that has read the manuals of CI systems. */
const EVIL = "::error::owned\n::set-output name=x::y ##[error]owned \u001b[0Ksection_end:1:x\r\u001b[0K 100%, a:b";

const HALTED: RolloutEvent[] = [
  PLAN,
  { type: "rollout.started" },
  waveStarted(1, "web"),
  batchStarted(1, "web", 1, ["web-01"]),
  ...restarted("web-01", "web:0"),
  batchFinished(1, "web", 1),
  batchStarted(1, "web", 2, ["web-02"]),
  restarting("web-02", "web:0"),
  failed("web-02", "web:0", "fatal", EVIL, `${EVIL}\n\n${EVIL}`),
  { type: "rollout.halted", code: "fatal", reason: `web-02 web:0: ${EVIL}` },
  batchFinished(1, "web", 2),
  finished("halted", { healthy: 1, failed: 1 }),
];

async function linesOf(events: readonly RolloutEvent[], env: Record<string, string>): Promise<string[]> {
  const sink = new Sink();
  const view = createPlainView(sink, { plan: "plans/prod.yaml", env });
  for (const event of recorded(events)) view.show(event);
  await view.end();
  return sink.text.trimEnd().split("\n");
}

describe("plain lines under GitHub Actions", () => {
  const env = { GITHUB_ACTIONS: "true" };
  const isCommand = (line: string) => /^\s*::/.test(line) || line.includes("##[");

  it("are grouped by batch, and nothing that a host says is a command", async () => {
    const lines = await linesOf(HALTED, env);
    assert.deepEqual(
      lines.filter(isCommand).map((line) => line.slice(0, 60)),
      [
        "::group::10:00:03 wave 1 (web) batch 1 started: web-01",
        "::endgroup::",
        "::group::10:00:10 wave 1 (web) batch 2 started: web-02",
        "::error title=web-02 web%3A0 failed::Supervisor gave up star",
        "::endgroup::",
      ],
    );
    const error = lines.find((line) => line.startsWith("::error"));
    assert.match(error ?? "", /\(fatal\): ::error::owned; ::set-output .* 100%25, a:b\. Read its log below/);
  });

  it("end the group of a batch that has not ended, before the report", async () => {
    const lines = await linesOf([...HALTED.slice(0, 8), finished("interrupted", { healthy: 1, failed: 1 })], env);
    const end = lines.lastIndexOf("::endgroup::");
    assert.ok(end > lines.findIndex((line) => line.includes("batch 2 started")));
    assert.match(lines[end + 2] ?? "", /^interrupted: prod/);
  });

  it("have an error for a refusal, for a halt that no instance is to blame for, and for a failed hook", async () => {
    const refusals = [{ code: "unreachable", host: "web-09", reason: "connect ETIMEDOUT" }] as const;
    const [refused] = (await linesOf([finished("refused", {}, 1, refusals)], env)).filter(isCommand);
    assert.match(
      refused ?? "",
      /^::error title=refused%3A web-09::a host cannot be reached \(unreachable\): connect ETIMEDOUT\. Try/,
    );
    const others: RolloutEvent[] = [
      { type: "rollout.halted", code: "floor_not_met", reason: "5 of web are healthy" },
      { type: "hook.finished", hook: "after_rollout", succeeded: false, reason: "exit code 1" },
    ];
    assert.deepEqual((await linesOf(others, env)).filter(isCommand), [
      "::error title=halted::too few instances were healthy to take down another (floor_not_met): 5 of web are healthy",
      "::error title=hook after_rollout failed::exit code 1",
    ]);
  });
});

describe("plain lines under GitLab CI", () => {
  it("are in a section for each batch, and a host can end none", async () => {
    const lines = await linesOf(HALTED, { GITLAB_CI: "true" });
    const marks = lines.filter((line) => line.includes("\u001b"));
    const began = Date.parse("2026-11-22T10:00:03Z") / 1000;
    assert.deepEqual(marks, [
      `\u001b[0Ksection_start:${began}:wave_1_batch_1\r\u001b[0K10:00:03 wave 1 (web) batch 1 started: web-01`,
      `\u001b[0Ksection_end:${began + 6}:wave_1_batch_1\r\u001b[0K`,
      `\u001b[0Ksection_start:${began + 7}:wave_1_batch_2\r\u001b[0K10:00:10 wave 1 (web) batch 2 started: web-02`,
      `\u001b[0Ksection_end:${began + 11}:wave_1_batch_2\r\u001b[0K`,
    ]);
  });
});

describe("a silence in plain lines", () => {
  it("is broken every 30 s by what is waited for, and until when", async () => {
    const time = new VirtualTime();
    const beganAtMs = Date.parse("2026-11-22T10:00:00Z");
    const clock: Clock = {
      monotonicMs: () => time.now,
      now: () => new Date(beganAtMs + time.now),
      wakeAt: (atMs, callback) => time.at(atMs, callback),
    };
    const sink = new Sink();
    const view = createPlainView(sink, { clock });
    const script: [number, RolloutEvent][] = [
      [0, PLAN],
      [0, { type: "rollout.started" }],
      [0, waveStarted(1, "web")],
      [0, batchStarted(1, "web", 1, ["web-01"])],
      [0, restarting("web-01", "web:0")],
      [20_000, observed("web-01", "web:0", "STOPPING")],
      [100_000, observed("web-01", "web:0", "STARTING")],
      [120_000, finished("interrupted", {})],
    ];
    for (const [index, [atMs, event]] of script.entries())
      time.at(atMs, () => {
        const [base] = recorded([event]);
        view.show({ ...base!, seq: index + 1, at: clock.now().toISOString() });
      });
    time.run();
    await view.end();
    assert.deepEqual(
      sink.text.split("\n").filter((line) => line.includes("waiting for")),
      [
        "10:00:50 waiting for web-01 web:0 STOPPING 30s, until 10:05:00 at the latest",
        "10:01:20 waiting for web-01 web:0 STOPPING 1m00s, until 10:05:00 at the latest",
      ],
    );
  });

  it("is left alone where it is short", async () => {
    const lines = await linesOf(HALTED, {});
    assert.ok(!lines.some((line) => line.includes("waiting for")));
  });
});

describe("the summary of a job", () => {
  let browser: Browser;
  before(() => void (browser = new Browser()));
  after(() => browser.close());

  it("has the counts, the failures and the command that goes on, as HTML that Markdown leaves alone", async () => {
    const text = jobSummaryText(RolloutModel.of(recorded(HALTED)), { plan: "plans/prod.yaml" });
    assert.doesNotMatch(text.trimEnd(), /\n\s*\n/, "an empty line ends HTML in Markdown");
    const page = await browser.open(text);
    const shown = await page.evaluate<string>("document.body.innerText");
    assert.match(shown, /halted: prod[^]*healthy\s+failed\s+skipped\s+untouched\s+1\s+1\s+0\s+0/);
    assert.match(shown, /web-02 web:0[^]*Supervisor gave up starting it \(fatal\)/);
    assert.match(shown, /orchestrate plans\/prod.yaml --resume/);
    assert.match(
      await page.evaluate("document.querySelector('details pre').textContent"),
      /^::error::owned\n[^]*\n\n::error/,
    );
  });

  it("shows markup of hosts as text", async () => {
    const evil = "<img src=x onerror='window.owned=1'> **bold** [link](http://x)";
    const events = recorded([
      PLAN,
      { type: "rollout.started" },
      failed("web-01", "web:0", "fatal", evil, evil),
      finished("halted", { failed: 1 }),
    ]);
    const page = await browser.open(jobSummaryText(RolloutModel.of(events), {}));
    assert.deepEqual(await page.evaluate("[document.querySelectorAll('img, a').length, window.owned ?? 0]"), [0, 0]);
    assert.ok((await page.evaluate<string>("document.body.innerText")).includes(evil));
  });

  it("of a rollout that never ended is empty", () => assert.equal(jobSummaryText(new RolloutModel(), {}), ""));
});
