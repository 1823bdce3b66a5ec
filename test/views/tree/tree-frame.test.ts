import assert from "node:assert/strict";
import { formatElapsed } from "../../../src/domain/duration.ts";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import { DrawnTree, SMALL_SCREEN } from "./drawn.ts";
import {
  answered,
  asking,
  batchFinished,
  batchResting,
  batchStarted,
  checkFailing,
  checkRecovered,
  connected,
  drifted,
  leftBehind,
  failed,
  finished,
  healthy,
  hostFinished,
  hostResting,
  indeterminate,
  names,
  observed,
  planned,
  restarted,
  restarting,
  skipped,
  unchanged,
  unreachable,
  waiting,
  waveFinished,
  waveStarted,
} from "../rollout-script.ts";
import { scenes, smallPlan } from "../scenes.ts";

const FOUR = ["web:web_00", "web:web_01", "web:web_02", "web:web_03"];
const EIGHT = Array.from({ length: 8 }, (_, index) => `web:web_0${index}`);
const STARTED: RolloutEvent = { type: "rollout.started" };

function onOneHost(
  instances: readonly string[],
  script: readonly (RolloutEvent | number)[],
  size = SMALL_SCREEN,
): string | undefined {
  const plan = planned({ waves: [{ group: "web", hosts: ["web-01"], hostsAtOnce: 1 }], instances });
  const tree = new DrawnTree().play([
    plan,
    STARTED,
    waveStarted(1, "web"),
    batchStarted(1, "web", 1, ["web-01"]),
    ...script,
  ]);
  return tree
    .lines(size)
    .find((line) => line.includes("web-01"))
    ?.trim();
}

describe("a frame of the tree", () => {
  it("shows the waves, the batch that has its turn, and each instance of its hosts", () => {
    const tree = new DrawnTree().play([
      smallPlan(),
      500,
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      ...FOUR.flatMap((instance) => [3000, ...restarted("web-01", instance)]),
      batchFinished(1, "web", 1),
      batchStarted(1, "web", 2, ["web-02"]),
      ...restarted("web-02", "web:web_00"),
      1000,
      restarting("web-02", "web:web_01"),
      2000,
      observed("web-02", "web:web_01", "STARTING"),
      3900,
    ]);
    assert.equal(
      tree.text(),
      `❯ prod  18s  5/12 healthy  1 skipped  7 to go, at least 1m33s  release 4711
  ❯ web  batch 2 of 3  5/12 healthy  18s
    ✓ batch 1  web-01  4 healthy  12s
    ❯ batch 2  1 host  6s
      ❯ web-02  web_00 ✓  web_01 starting 3s  web_02 ·  web_03 ·
    · batch 3  web-03
  waiting for web-02 web:web_01 STARTING 3s: up to 1m57s
`,
    );
  });

  it("counts down the rests, to the next batch and to a host's next instance", () => {
    const begun = [smallPlan(), STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, ["web-01"])];
    const hostRests = new DrawnTree().play([
      ...begun,
      ...restarted("web-01", "web:web_00"),
      hostResting("web-01", 10_000),
      2500,
    ]);
    assert.match(hostRests.text(), /❯ web-01 {2}web_00 ✓ {2}next instance in 8s {2}web_01 ·/);
    const batchRests = new DrawnTree().play([
      ...begun,
      hostFinished("web-01"),
      batchFinished(1, "web", 1),
      batchResting(1, "web", 1, 8000),
      10,
    ]);
    assert.match(batchRests.text(), /^ {4}next batch in 8s$/m);
    assert.match(batchRests.play([8500]).text(), /^ {4}next batch in 0s$/m);
    assert.doesNotMatch(batchRests.play([batchStarted(1, "web", 2, ["web-02"])]).text(), /next batch/);
  });

  it("counts how many hosts have answered while there is no plan to show", () => {
    const tree = new DrawnTree().play([
      connected("web-01", 4),
      connected("web-02", 4),
      unreachable("web-03", "connect ETIMEDOUT"),
      2100,
    ]);
    assert.equal(
      tree.text(),
      `❯ plans/prod.yaml  2s  querying the fleet  2 connected  1 unreachable
  ✗ web-03 unreachable: connect ETIMEDOUT
`,
    );
  });

  it("says which check fails and why while it does: the reason first, and all of what is asked", () => {
    const url = `http://127.0.0.1:8000/health?deep=1&components=${"database,".repeat(8)}cache`;
    const tree = new DrawnTree().play([
      smallPlan(),
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      restarting("web-01", "web:web_00"),
      observed("web-01", "web:web_00", "RUNNING", 200),
      checkFailing("web-01", "web:web_00", url, "status 503 instead of 200", 4),
    ]);
    const lines = tree.lines(SMALL_SCREEN);
    const at = lines.findIndex((line) => line.trim() === "web-01 web:web_00: status 503 instead of 200 (try 4)");
    assert.ok(at > 0, tree.text());
    const asked = lines.slice(at + 1, at + 3).map((line) => line.trim());
    assert.equal(asked.join(""), url);
    assert.match(tree.text(), /^ {2}waiting for web-01 web:web_00 RUNNING 0s, status 503 instead…: up to 2m00s$/m);
    const passes = tree.play([checkRecovered("web-01", "web:web_00", url)]).text();
    assert.doesNotMatch(passes, /status 503/);
    const fails = tree.play([checkFailing("web-01", "web:web_00", url, "status 503 instead of 200", 9)]).text();
    assert.match(fails, /status 503/);
    assert.doesNotMatch(tree.play([healthy("web-01", "web:web_00")]).text(), /status 503/);
  });

  it("does not cut the reason of a failure: the check that it names can be read to its end", () => {
    const reason = `status 500 instead of 200, still so at healthy_deadline (20s): http://127.0.0.1/${"long/".repeat(14)}end`;
    const tree = new DrawnTree().play([
      smallPlan(),
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      restarting("web-01", "web:web_00"),
      failed("web-01", "web:web_00", "check_failed", reason),
    ]);
    const lines = tree.lines(SMALL_SCREEN).map((line) => line.trim());
    assert.ok(lines.includes("status 500 instead of 200, still so at healthy_deadline (20s):"), tree.text());
    assert.ok(lines.join("").includes(`http://127.0.0.1/${"long/".repeat(14)}end`), tree.text());
  });

  it("keeps a failure in sight, with its reason and the last line of its log", () => {
    const tree = new DrawnTree().play([
      smallPlan(),
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      restarting("web-01", "web:web_00"),
      failed("web-01", "web:web_00", "fatal", "it is FATAL (Exited too quickly)", "Traceback\nKeyError: 'X'\n\n"),
      hostFinished("web-01"),
      batchFinished(1, "web", 1),
      batchStarted(1, "web", 2, ["web-02"]),
    ]);
    assert.equal(
      tree.text(),
      `❯ prod  0s  0/12 healthy  1 failed  1 skipped  11 to go, at least 1m48s  rele…
  ❯ web  batch 2 of 3  0/12 healthy, 1 failed  0s
    ✗ batch 1  web-01  0 healthy, 1 failed  0s
    ❯ batch 2  1 host  0s
      · web-02  web_00 ·  web_01 ·  web_02 ·  web_03 ·
    · batch 3  web-03
  ✗ web-01 web:web_00 fatal: Supervisor gave up starting it
      it is FATAL (Exited too quickly)
      | KeyError: 'X'
  waiting for the next status check
`,
    );
  });

  it("says that it is halting, and at the end what was left", () => {
    const script = [...scenes["halted"]!()];
    const halting = script.findIndex((step) => typeof step === "object" && step.type === "rollout.halted") + 1;
    assert.match(
      new DrawnTree().play(script.slice(0, halting)).text(),
      /^ {2}halting: no new restarts; waiting for 46 in progress$/m,
    );
    const end = new DrawnTree()
      .play(script)
      .text()
      .replaceAll(/\b\d+m?\d*s\b/g, "#s");
    assert.equal(
      end,
      `✗ prod  halted after #s  457/1608 healthy  1 failed  1150 untouched  relea…
  ✓ canary  1 host  8 healthy  #s
  ✗ web  batch 2 of 4  449/1600 healthy, 1 failed  #s
    ✓ batch 1  web-[001-050].example.com  400 healthy  #s
    ✗ batch 2  50 of 50 hosts ended  #s
      ✗ web-053.example.com  ✗·······  web_00 ✗ flapping
      … and 49 hosts ended
    · 2 more batches  100 hosts  untouched
  ✗ web-053.example.com web:web_00 flapping: it keeps exiting and being resta…
      it was RUNNING on pid 4711 for at most #s, then it was on pid 4790
      | KeyError: 'DATABASE_URL'
`,
    );
  });

  it("says that it was interrupted and what a further signal does", () => {
    const tree = new DrawnTree().play([
      smallPlan(),
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      restarting("web-01", "web:web_00"),
      { type: "rollout.interrupted", signal: "SIGINT" },
    ]);
    assert.match(tree.text(), /^ {2}SIGINT: no new restarts; waiting for 1 in progress; press again to quit$/m);
    tree.play([
      healthy("web-01", "web:web_00"),
      hostFinished("web-01"),
      batchFinished(1, "web", 1),
      finished("interrupted", { healthy: 1, untouched: 11 }),
    ]);
    assert.equal(
      tree.text(),
      `■ prod  interrupted after 42s  1/12 healthy  1 skipped  11 untouched  release…
  ■ web  batch 1 of 3  1/12 healthy  0s
    ■ batch 1  1 host  0s
      ■ web-01  web_00 ✓  web_01 ·  web_02 ·  web_03 ·
    · 2 more batches  2 hosts  untouched
`,
    );
  });

  it("folds every wave to one line after a success", () => {
    const text = new DrawnTree()
      .play(scenes["waves"]!())
      .text()
      .replaceAll(/\d+m?\d*s$/gm, "#s");
    assert.equal(text.split("\n").length, 14);
    assert.match(text, /^ {2}✓ zone-12 {2}2 hosts {2}8 healthy {2}#s$/m);
  });

  it("leaves the hosts of the current wave most of the height", () => {
    const waves = names("zone-", 40).map((group) => ({ group, hosts: names(`${group}-`, 30), hostsAtOnce: 30 }));
    const hosts = names("zone-20-", 30);
    const before = names("zone-", 19).flatMap((group, index) => [
      waveStarted(index + 1, group),
      waveFinished(index + 1, group),
    ]);
    const script = [
      planned({ waves, instances: FOUR }),
      STARTED,
      ...before,
      waveStarted(20, "zone-20"),
      batchStarted(20, "zone-20", 1, hosts),
    ];
    const lines = new DrawnTree().play([...script, ...hosts.map((host) => restarting(host, "web:web_00"))]).lines();
    assert.ok(lines.length <= 23);
    assert.ok(lines.filter((line) => line.includes("restarting")).length >= 12, lines.join("\n"));
    assert.ok(lines.includes("  ✓ 19 waves  0 healthy"), lines.join("\n"));
    assert.match(lines.at(-2) ?? "", /^ {2}· \d+ more waves: zone-2\d, /);
  });

  it("tells of a pause after a wave, counted down or until it is answered", () => {
    const waves = ["canary", "web"].map((group) => ({ group, hosts: [`${group}-01`], hostsAtOnce: 1 }));
    const script: RolloutEvent[] = [
      planned({ waves, instances: FOUR }),
      STARTED,
      waveStarted(1, "canary"),
      batchStarted(1, "canary", 1, ["canary-01"]),
      hostFinished("canary-01"),
      batchFinished(1, "canary", 1),
      waveFinished(1, "canary"),
    ];
    const paused = { type: "rollout.paused", wave: 1, group: "canary" } as const;
    const timed = new DrawnTree().play([...script, { ...paused, ms: 300_000 }, 2000]);
    assert.match(timed.text(), /^ {2}paused after canary for 4m58s$/m);
    assert.doesNotMatch(timed.play([{ type: "rollout.resumed" }]).text(), /paused/);
    assert.match(
      new DrawnTree().play([...script, paused]).text(),
      /^ {2}paused after canary: continue\? {2}y: continue, n: stop here \(resumable\)$/m,
    );
    const named = script.map(
      (step) => JSON.parse(JSON.stringify(step).replaceAll("canary", "c".repeat(70))) as RolloutEvent,
    );
    const narrow = new DrawnTree().play([...named, { ...paused, group: "c".repeat(70) }]).text();
    assert.match(narrow, /^ {2}paused after c+…: continue\? {2}y: continue, n: stop here \(resumable\)$/m);
  });

  it("asks about a failure with its keys, on a line of their own where names are long, until it is answered", () => {
    const begun = [smallPlan(), STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, ["web-01"])];
    const broken = [restarting("web-01", "web:web_00"), failed("web-01", "web:web_00", "fatal", "it is FATAL")];
    const tree = new DrawnTree().play([...begun, ...broken, asking("web-01", "web:web_00")]);
    assert.match(
      tree.text(),
      / it is FATAL\n {2}web-01 web:web_00\?\n {2}r: retry, s: skip \(count it as failed and continue\), x: halt\n$/,
    );
    tree.play([answered("web-01", "web:web_00", "retry"), restarting("web-01", "web:web_00")]);
    assert.doesNotMatch(tree.text(), /\?|r: retry/);

    const [host, instance] = ["web-01.production.example.com", "checkout:checkout_00"];
    const long = planned({ waves: [{ group: "web", hosts: [host], hostsAtOnce: 1 }], instances: [instance] });
    const asked = new DrawnTree().play([long, STARTED, failed(host, instance, "fatal", "it is FATAL")]);
    assert.match(
      asked.play([asking(host, instance, ["skip", "stop"])]).text(),
      /\n {2}web-01.production.example.com checkout:checkout_00\?\n {2}s: skip \(count it as failed and continue\), x: halt\n$/,
    );
    assert.match(
      new DrawnTree().play([...begun, asking("web-01")]).text(),
      /^ {2}web-01\? {2}r: retry, s: skip \(count it as failed and continue\), x: halt$/m,
    );
  });

  it("says what others have changed, the latest of it", () => {
    const begun = [smallPlan(), STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, ["web-01"])];
    const tree = new DrawnTree().play([...begun, drifted("web-01", "web:web_09", "new", { state: "RUNNING", pid: 5 })]);
    assert.match(tree.text(), /^ {2}web-01 web:web_09: new since the preview, left alone; it is RUNNING on pi…$/m);
    tree.play([drifted("web-01", "web:web_01", "gone", { previous_state: "RUNNING", previous_pid: 101 })]);
    assert.match(tree.text(), /^ {2}web-01 web:web_01: gone since the preview: Supervisor no lon… \(and 1 more\)$/m);
  });

  it("says what an old instance left behind", () => {
    const begun = [smallPlan(), STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, ["web-01"])];
    const tree = new DrawnTree().play([...begun, leftBehind("web-01", "web:web_00", [300, "python3 server.py"])]);
    assert.match(tree.text(), /^ {2}web-01 web:web_00: its old instance left a process behind: pid 300: .*$/m);
  });

  it("takes an instance whose restart was not done for what it was before", () => {
    const row = (script: readonly RolloutEvent[]) => onOneHost(FOUR, script);
    const sent = [restarting("web-01", "web:web_00"), unchanged("web-01", "web:web_00", "its restart did not arrive")];
    assert.equal(row(sent), "❯ web-01  web_00 ·  web_01 ·  web_02 ·  web_03 ·");
    const again = [failed("web-01", "web:web_00", "fatal", "it is FATAL"), ...sent];
    assert.equal(row(again), "❯ web-01  web_00 ✗ fatal  web_01 ·  web_02 ·  web_03 ·");
  });

  it("shows failed hooks that are no failure of an instance", () => {
    const hook = { type: "hook.finished", hook: "before_rollout", succeeded: false, reason: "exit code 1" } as const;
    assert.match(
      new DrawnTree().play([smallPlan(), STARTED, hook]).text(),
      /^ {2}✗ hook before_rollout failed: exit code 1$/m,
    );
    const ofBatch = { ...hook, hook: "after_batch", wave: 1, group: "web", batch: 2 } as const;
    assert.match(
      new DrawnTree().play([smallPlan(), STARTED, ofBatch]).text(),
      /^ {2}✗ wave 1 \(web\) batch 2 hook after_batch failed: exit code 1$/m,
    );
  });

  it("shows the failure of a hook that is only a warning as one", () => {
    const about = { hook: "before_restart", host: "web-01", program: "web", instance: "web:web_00" } as const;
    const warned = { type: "hook.finished", succeeded: false, reason: "exit code 1", on_error: "warn", ...about };
    const text = new DrawnTree().play([smallPlan(), STARTED, warned as RolloutEvent]).text();
    assert.match(text, /^ {2}warning: web-01 web:web_00 hook before_restart failed: exit code 1$/m);
    assert.doesNotMatch(text, /✗/);
  });

  it("warns until the first instance is healthy", () => {
    const plan = planned({
      waves: [{ group: "web", hosts: ["web-01"], hostsAtOnce: 1 }],
      instances: FOUR,
      warnings: [{ message: "startsecs is 0" }, { message: "another" }],
    });
    const tree = new DrawnTree().play([plan, STARTED]);
    assert.match(tree.text(), /^ {2}warning: startsecs is 0 \(and 1 more\)$/m);
    assert.doesNotMatch(tree.play(restarted("web-01", "web:web_00")).text(), /warning/);
  });
});

describe("the row of a host", () => {
  it("has each instance by name while they fit", () => {
    const script = [
      ...restarted("web-01", FOUR[0]!),
      skipped("web-01", FOUR[1]!, "it was STOPPED"),
      restarting("web-01", FOUR[2]!),
      1000,
    ];
    assert.equal(onOneHost(FOUR, script), "❯ web-01  web_00 ✓  web_01 –  web_02 restarting 1s  web_03 ·");
  });

  it("tells how long an instance is RUNNING of the time that it has to be", () => {
    const running = [restarting("web-01", FOUR[0]!), 4000, observed("web-01", FOUR[0]!, "RUNNING", 200), 2000];
    assert.equal(onOneHost(FOUR, running), "❯ web-01  web_00 running 2s/5s on 200  web_01 ·  web_02 ·  web_03 ·");
    assert.equal(
      onOneHost(FOUR, [...running, 4000]),
      "❯ web-01  web_00 running 6s on 200  web_01 ·  web_02 ·  web_03 ·",
    );
  });

  it("has the pid and the age of each new process where the screen is wide", () => {
    const [first, second] = FOUR as [string, string];
    const script = [
      restarting("web-01", first),
      observed("web-01", first, "RUNNING", 4711),
      5000,
      healthy("web-01", first, 7, 4711),
      1000,
      restarting("web-01", second),
      observed("web-01", second, "RUNNING", 4790),
      2000,
    ];
    const wide = { columns: 200, rows: 50 };
    assert.equal(
      onOneHost(FOUR, script, wide),
      "❯ web-01  web_00 ✓ 4711 8s  web_01 running 2s/5s on 4790  web_02 ·  web_03 ·",
    );
    assert.equal(
      onOneHost(FOUR, [...script, restarting("web-01", first, 4711)], wide),
      "❯ web-01  web_00 restarting 0s  web_01 running 2s/5s on 4790  web_02 ·  web_03 ·",
    );
  });

  it("does not take the old process for the new one", () => {
    assert.equal(
      onOneHost(FOUR, [restarting("web-01", FOUR[0]!, 100), 500, observed("web-01", FOUR[0]!, "RUNNING", 100), 1000]),
      "❯ web-01  web_00 running 1s  web_01 ·  web_02 ·  web_03 ·",
    );
  });

  it("is a strip of marks, and the names that matter, where names do not fit", () => {
    const script = [
      ...restarted("web-01", EIGHT[0]!),
      failed("web-01", EIGHT[1]!, "stop_deadline", ""),
      restarting("web-01", EIGHT[2]!),
      61_000,
    ];
    assert.equal(onOneHost(EIGHT, script), "❯ web-01  ✓✗▸·····  web_01 ✗ stop deadline  web_02 restarting 1m01s");
  });

  it("counts instances that are too many for a strip", () => {
    const many = Array.from({ length: 60 }, (_, index) => `web:web_${String(index).padStart(2, "0")}`);
    assert.equal(
      onOneHost(many, [...restarted("web-01", many[0]!), restarting("web-01", many[1]!)]),
      "❯ web-01  1 ✓  58 ·  web_01 restarting 0s",
    );
  });

  it("has full names where two programs have processes of the same name", () => {
    assert.equal(onOneHost(["web:main", "mail:main"], []), "· web-01  web:main ·  mail:main ·");
  });

  it("says that an instance waits for the floor, and that it does not any more", () => {
    const waits = waiting("web-01", FOUR[0]!, 6, 6);
    assert.equal(onOneHost(FOUR, [waits, 12_000]), "❯ web-01  ····  web_00 waiting 12s (6 healthy, floor 6)");
    assert.equal(
      onOneHost(FOUR, [waits, 12_000, restarting("web-01", FOUR[0]!)]),
      "❯ web-01  web_00 restarting 0s  web_01 ·  web_02 ·  web_03 ·",
    );
  });

  it("says that an instance was lost from sight, until it is found", () => {
    const lost = [restarting("web-01", FOUR[0]!), indeterminate("web-01", FOUR[0]!, "the connection was lost"), 3000];
    assert.equal(onOneHost(FOUR, lost), "❯ web-01  web_00 ? not seen 3s  web_01 ·  web_02 ·  web_03 ·");
    assert.equal(
      onOneHost(FOUR, [...lost, healthy("web-01", FOUR[0]!)]),
      "❯ web-01  web_00 ✓  web_01 ·  web_02 ·  web_03 ·",
    );
  });

  it("counts a rest down, and leaves it out once it is over and something else is waited for", () => {
    const rested = [...restarted("web-01", FOUR[0]!), hostResting("web-01", 2000)];
    assert.match(onOneHost(FOUR, [...rested, 1500]) ?? "", /web_00 ✓ {2}next instance in 1s {2}web_01 ·/);
    assert.equal(
      onOneHost(FOUR, [...rested, asking("web-02"), 2000]),
      "❯ web-01  web_00 ✓  web_01 ·  web_02 ·  web_03 ·",
    );
  });

  it("says that the host cannot be reached, until it can", () => {
    const lost = [restarting("web-01", FOUR[0]!), unreachable("web-01", "no answer")];
    assert.equal(onOneHost(FOUR, lost), "❯ web-01  ▸···  web_00 restarting 0s  unreachable: no answer");
    assert.equal(
      onOneHost(FOUR, [...lost, connected("web-01", 4)]),
      "❯ web-01  web_00 restarting 0s  web_01 ·  web_02 ·  web_03 ·",
    );
  });
});

describe("the last line of the tree", () => {
  const begun = [smallPlan(), STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, ["web-01"])];
  const lastLine = (steps: Iterable<RolloutEvent | number>) =>
    new DrawnTree()
      .play([...begun, ...steps])
      .lines()
      .at(-1)
      ?.trim();

  it("says what is waited for, and until when, while an instance is under restart", () => {
    const steps: (RolloutEvent | number)[] = [restarting("web-01", "web:web_00"), 1000];
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 restarting 1s: up to 4m59s");
    steps.push(observed("web-01", "web:web_00", "STOPPING"), 9000);
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 STOPPING 9s: up to 4m50s");
    steps.push(observed("web-01", "web:web_00", "STARTING"), 3000);
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 STARTING 3s: up to 1m57s");
    steps.push(observed("web-01", "web:web_00", "RUNNING", 200), 2000);
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 RUNNING 2s of 5s: 3s");
    steps.push(4000);
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 RUNNING 6s, a final check: up to 1m51s");
    // Supervisor has started it again, as it may: min_healthy_time begins again.
    steps.push(observed("web-01", "web:web_00", "RUNNING", 201), 1000);
    assert.equal(lastLine(steps), "waiting for web-01 web:web_00 RUNNING 1s of 5s: 4s");
    steps.push(healthy("web-01", "web:web_00"), hostResting("web-01", 10_000), 4000);
    assert.equal(lastLine(steps), "waiting for the next instance of web-01: 6s");
  });

  it("names the one that has been under way the longest, and counts the others", () => {
    const steps = [
      restarting("web-01", "web:web_02"),
      1000,
      restarting("web-01", "web:web_00"),
      restarting("web-01", "web:web_01"),
      2000,
    ];
    assert.equal(lastLine(steps), "waiting for web-01 web:web_02 (+2) restarting 3s: up to 4m57s");
  });

  it("tells of hooks and of the floor", () => {
    const hook = (more: object) =>
      ({ type: "hook.started", hook: "before_restart", ms: 60_000, ...more }) as RolloutEvent;
    const about = { host: "web-01", program: "web", instance: "web:web_00" };
    assert.equal(lastLine([hook(about), 5000]), "waiting for web-01 web:web_00 before_restart hook 5s: up to 55s");
    assert.equal(
      lastLine([hook({ host: "web-01", hook: "before_host" }), 5000]),
      "waiting for web-01 before_host hook 5s: up to 55s",
    );
    const step = { hook: "before_batch", wave: 1, group: "web", batch: 1 };
    assert.equal(lastLine([hook(step), 5000]), "waiting for before_batch hook 5s: up to 55s");
    assert.equal(lastLine([hook({ hook: "after_rollout" }), 5000]), "waiting for after_rollout hook 5s: up to 55s");
    assert.equal(
      lastLine([waiting("web-01", "web:web_00", 9, 9), 5000]),
      "waiting for web-01 web:web_00 (9 healthy, floor 9): up to 9m55s",
    );
  });

  it("is there from the first event to the last but one, whatever happens", () => {
    for (const [name, scene] of Object.entries(scenes)) {
      const tree = new DrawnTree();
      let isOver = false;
      let begins = false;
      let count = 0;
      for (const step of scene()) {
        tree.play([step]);
        begins ||= typeof step === "object" && step.type === "rollout.planned";
        isOver ||= typeof step === "object" && step.type === "rollout.finished";
        if (!begins || isOver || ++count % 11 !== 0) continue;
        assert.match(tree.text(), /^ *(waiting for|next batch in|paused after) /m, name);
      }
    }
  });
});

describe("the header of the tree", () => {
  it("says how long it takes at least, and counts that down", () => {
    const plan = smallPlan();
    const tree = new DrawnTree().play([plan, STARTED]);
    // Three hosts of four instances: 5 s each and 10 s between; 8 s between the hosts.
    const wholeMs = 3 * (4 * 5000 + 3 * 10_000) + 2 * 8000;
    assert.match(tree.text(), new RegExp(`12 to go, at least ${formatElapsed(wholeMs)}`));
    tree.play([
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      ...restarted("web-01", "web:web_00"),
      hostResting("web-01", 10_000),
      4000,
    ]);
    assert.match(tree.text(), new RegExp(`11 to go, at least ${formatElapsed(wholeMs - 5000 - 4000)}`));
    tree.play([{ type: "rollout.interrupted", signal: "SIGINT" }]);
    assert.match(tree.text(), /11 to go {2}release/);
  });

  it("counts what was abandoned mid-restart", () => {
    const tree = new DrawnTree().play([
      smallPlan(),
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
    ]);
    tree.play([restarting("web-01", FOUR[0]!), indeterminate("web-01", FOUR[0]!, "the operator left")]);
    tree.play([finished("interrupted", { failed: 1, skipped: 1, untouched: 11 })]);
    assert.match(
      tree.text(),
      /^■ prod {2}interrupted after 42s {2}0\/12 healthy {2}1 not seen {2}1 skipped {2}11 untouched/,
    );
  });

  it("counts each program where there are several", () => {
    const waves = [{ group: "web", hosts: ["web-01", "web-02"], hostsAtOnce: 1 }];
    const plan = planned({ waves, instances: ["web:0", "web:1", "mail"] });
    const tree = new DrawnTree().play([
      plan,
      STARTED,
      waveStarted(1, "web"),
      batchStarted(1, "web", 1, ["web-01"]),
      ...restarted("web-01", "web:0"),
      ...restarted("web-01", "mail"),
    ]);
    assert.equal(tree.lines()[1], "  web 1/4  mail 1/2");
  });
});

describe("a frame with more hosts than rows", () => {
  const hosts = names("web-", 200, 3);
  const begun = [
    planned({ waves: [{ group: "web", hosts, hostsAtOnce: 200 }], instances: EIGHT }),
    STARTED,
    waveStarted(1, "web"),
    batchStarted(1, "web", 1, hosts),
  ];

  it("shows those with activity first and counts the others", () => {
    const lines = new DrawnTree()
      .play([...begun, restarting("web-100", EIGHT[0]!), restarting("web-150", EIGHT[0]!)])
      .lines();
    assert.equal(lines.length, 23);
    assert.ok(lines.includes("    ❯ web-100  ▸·······  web_00 restarting 0s"));
    assert.ok(lines.includes("    ❯ web-150  ▸·······  web_00 restarting 0s"));
    assert.equal(lines.at(-2), "    … and 181 more hosts waiting");
  });

  it("shows trouble before activity", () => {
    const lines = new DrawnTree()
      .play([
        ...begun,
        ...hosts.map((host) => restarting(host, EIGHT[0]!)),
        failed("web-177", EIGHT[0]!, "exited", "it is EXITED"),
      ])
      .lines();
    assert.ok(
      lines.some((line) => /web-177 {2}✗······· {2}web_00 ✗ exited/.test(line)),
      lines.join("\n"),
    );
    assert.ok(lines.some((line) => /web-001 {2}▸/.test(line)));
  });

  it("never has more rows than the screen, or wider ones, whatever happens", () => {
    for (const size of [SMALL_SCREEN, { columns: 200, rows: 50 }, { columns: 40, rows: 12 }]) {
      for (const name of Object.keys(scenes)) {
        const tree = new DrawnTree();
        let count = 0;
        for (const step of scenes[name]!()) {
          tree.play([step]);
          if (++count % 97 !== 0) continue;
          const lines = tree.lines(size);
          assert.ok(
            lines.length < size.rows && lines.length <= 40,
            `${name}: ${lines.length} lines of ${size.rows}\n${lines.join("\n")}`,
          );
        }
      }
    }
  });

  it("stays within the screen when every instance fails", () => {
    const failures = hosts.flatMap((host) =>
      EIGHT.map((instance) => failed(host, instance, "fatal", `it is FATAL ${"x".repeat(300)}`, "a\nb\n")),
    );
    const lines = new DrawnTree()
      .play([...begun, ...failures, ...hosts.map((host) => unreachable(host, "gone"))])
      .lines();
    assert.ok(lines.length <= 23, lines.join("\n"));
    assert.match(lines.at(-2) ?? "", /… and 179\d more in trouble/);
  });

  it("takes a thousand hosts with eight instances each", () => {
    const fleet = names("web-", 1000, 4);
    const plan = planned({ waves: [{ group: "web", hosts: fleet, hostsAtOnce: 1000 }], instances: EIGHT });
    const tree = new DrawnTree().play([plan, STARTED, waveStarted(1, "web"), batchStarted(1, "web", 1, fleet)]);
    for (const instance of EIGHT) tree.play(fleet.flatMap((host) => restarted(host, instance)));
    assert.match(tree.text(), /8000\/8000 healthy/);
    assert.match(tree.text(), /1000 of 1000 hosts done/);
  });
});

describe("what hosts say, in a frame", () => {
  it("cannot act on the terminal", () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\n\u202eevil";
    const host = `web${evil}`;
    const plan = planned({
      name: evil,
      reason: evil,
      waves: [{ group: evil, hosts: [host], hostsAtOnce: 1 }],
      instances: [`web:${evil}`],
      warnings: [{ message: evil }],
    });
    const script = [
      unreachable(host, evil),
      plan,
      STARTED,
      waveStarted(1, evil),
      batchStarted(1, evil, 1, [host]),
      restarting(host, `web:${evil}`),
      unreachable(host, evil),
      failed(host, `web:${evil}`, "fatal", evil, evil),
      { type: "rollout.halted", code: "fatal", reason: evil } as const,
    ];
    const tree = new DrawnTree();
    for (const step of script) {
      tree.play([step]);
      for (const line of tree.lines({ columns: 300, rows: 50 }))
        assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
    assert.ok(tree.text({ columns: 300, rows: 50 }).includes(String.raw`\x1b]0;owned\x07\x1b[2J\x9b31m`));
  });
});
