import assert from "node:assert/strict";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { ScreenSize } from "../../../src/views/tree/tree-frame.ts";
import { SMALL_SCREEN } from "./drawn.ts";
import { scenes } from "../scenes.ts";
import { Terminal, type PlayOptions } from "../terminal.ts";

describe("the tree on a terminal", () => {
  let terminal: Terminal | undefined;

  afterEach(async () => {
    await terminal?.close();
    terminal = undefined;
  });

  /** Plays a scene up to and with the first event that is `last`. */
  async function play(
    scene: string,
    last: (event: RolloutEvent) => boolean,
    size: ScreenSize = SMALL_SCREEN,
    more: PlayOptions & { args?: string[] } = {},
  ): Promise<Terminal> {
    const steps = [...scenes[scene]!()].findIndex((step) => typeof step === "object" && last(step)) + 1;
    assert.ok(steps > 0, "the scene has no such event");
    terminal = await Terminal.play([scene, "--until", String(steps), ...(more.args ?? [])], size, more);
    return terminal;
  }

  const startsOn = (host: string, instance: string) => (event: RolloutEvent) =>
    event.type === "instance.observed" &&
    event.state === "STARTING" &&
    event.host === host &&
    event.instance === instance;

  it("shows 3 hosts at 80x24", async () => {
    const tree = await play("small", startsOn("web-02", "web:web_01"));
    const screen = await tree.shows(/web_01 starting [2-9]s[^]*waiting for .*\n/);
    assert.equal(
      screen.replaceAll(/\d+(?=[ms])/g, "#"),
      `❯ prod  #s  5/12 healthy  1 skipped  7 to go, at least #m#s  release 4711
  ❯ web  batch 2 of 3  5/12 healthy  #s
    ✓ batch 1  web-01  4 healthy  #s
    ❯ batch 2  1 host  #s
      ❯ web-02  web_00 ✓  web_01 starting #s  web_02 ·  web_03 ·
    · batch 3  web-03
  waiting for web-02 web:web_01 STARTING #s: up to #m#s
`,
    );
  });

  it("shows 200 hosts at 80x24 and keeps its header in sight", async () => {
    const tree = await play("large", startsOn("web-050.example.com", "web:web_02"));
    const screen = await tree.shows(/web_02 starting[^]*more batches[^]*waiting for .*\n/);
    const lines = screen.trimEnd().split("\n");
    assert.equal(lines.length, 23);
    assert.match(
      lines[0] ?? "",
      /^❯ prod {2}\d+s {2}108\/1608 healthy {2}1500 to go, at least \d+m\d\ds {2}release 4711$/,
    );
    assert.match(lines[4] ?? "", /^ {6}❯ web-001.example.com {2}✓✓▸····· {2}web_02 starting \d+s$/);
    assert.deepEqual(lines.slice(-3, -1), ["      … and 34 more hosts in progress", "    · 3 more batches  150 hosts"]);
    assert.match(lines.at(-1) ?? "", /^ {2}waiting for web-001.example.com web:web_02 \(\+49\) STARTING/);
  });

  for (const [scene, hosts] of [
    ["twenty", 20],
    ["hundreds", 200],
  ] as const)
    for (const size of [SMALL_SCREEN, { columns: 200, rows: 50 }])
      it(`shows a question, what is waited for, a fold and a failure: ${hosts} hosts x 8 at ${size.columns}x${size.rows}`, async () => {
        const steps = [...scenes[scene]!()];
        const after = (isIt: (event: RolloutEvent) => boolean) =>
          steps.findIndex((step) => typeof step === "object" && isIt(step)) + 1;
        const stops = [
          after(({ type }) => type === "rollout.paused"),
          after((event) => event.type === "batch.started" && event.wave === 2 && event.batch === 2),
          after(({ type }) => type === "instance.failed"),
        ];
        terminal = await Terminal.play([scene, "--until", stops.join(",")], size);
        const all = 8 * (hosts + 1);
        const batch = hosts / 4;
        const fits = (screen: string) => {
          const lines = screen.trimEnd().split("\n");
          assert.ok(lines.length < size.rows && lines.length <= 40, screen);
          assert.match(lines[0] ?? "", /^❯ prod {2}\d+s {2}/);
          assert.ok(Math.max(...lines.map((line) => line.length)) <= size.columns, screen);
        };
        const asked = await terminal.shows(/paused after canary: continue\? {2}y: continue, n: stop here/);
        fits(asked);
        assert.match(asked, new RegExp(`8/${all} healthy {2}${all - 8} to go, at least`));
        await terminal.press("x");
        const folded = await terminal.shows(/✓ batch 1 [^]*\n {2}waiting for the next status check\n/);
        fits(folded);
        assert.match(
          folded,
          new RegExp(`✓ canary {2}1 host {2}8 healthy[^]*batch 2 of 4 {2}${8 * batch}/${8 * hosts} healthy`),
        );
        await terminal.press("x");
        const broken = await terminal.shows(/KeyError: 'DATABASE_URL'[^]*STARTING .*\n/);
        fits(broken);
        assert.match(broken, new RegExp(`✗ web-0${2 * batch < 100 ? `${2 * batch}` : ""}|✗ web-100`));
        assert.match(broken, /fatal: Supervisor gave up starting it\n +it is FATAL \(Exited too quickly\)/);
        assert.match(
          broken,
          new RegExp(`\n {2}waiting for web-\\S+ web:web_00 \\(\\+${batch - 2}\\) STARTING \\d+s: up to \\S+\n$`),
        );
        await terminal.press("x");
        await terminal.shows(/exit 0/);
      });

  it("grows with the terminal, and shrinks with it without leaving anything behind", async () => {
    const tree = await play("large", startsOn("web-050.example.com", "web:web_02"));
    await tree.shows(/34 more hosts[^]*waiting for .*\n/);
    await tree.resize({ columns: 100, rows: 50 });
    const large = await tree.shows(/… and 17 more hosts in progress[^]*waiting for .*\n/);
    assert.equal(large.trimEnd().split("\n").length, 40);
    await tree.resize({ columns: 40, rows: 30 });
    const small = await tree.shows(/… and 28 more hosts in progress[^]*waiting for .*\n/);
    assert.equal(small.match(/prod/g)?.length, 1, small);
  });

  it("ends with the whole tree, the report, and a usable terminal", async () => {
    const tree = await play("small", startsOn("web-02", "web:web_01"));
    await tree.shows(/web_01 starting/);
    await tree.press("x");
    const screen = await tree.shows(/exit 0/);
    assert.match(
      screen,
      /^✓ prod {2}succeeded after 2m10s {2}12\/12 healthy {2}1 skipped {2}release 4711\n {2}✓ web {2}3 hosts {2}12 healthy {2}\d+s\n\nsucceeded: prod \(/,
    );
    assert.ok(await tree.cursorIsVisible());
  });

  it("leaves failures and what was untouched on the screen", async () => {
    const tree = await play("halted", (event) => event.type === "rollout.halted");
    await tree.shows(/halting: no new restarts; waiting for 46 in progress/);
    await tree.press("x");
    await tree.shows(/exit 0/);
    const all = await tree.screen({ scrollback: true });
    assert.match(all, /^✗ prod {2}halted after 1m35s/);
    assert.match(all, /✗ web-053.example.com {2}✗······· {2}web_00 ✗ flapping/);
    assert.match(
      all,
      /how to continue\n {2}Fix the cause, then resume:\n {4}orchestrate plans\/prod.yaml --resume \S+\n/,
    );
  });

  it("gives the terminal back when the process dies, with what others wrote", async () => {
    const tree = await play("small", startsOn("web-02", "web:web_01"), SMALL_SCREEN, { args: ["--then", "die"] });
    await tree.shows(/web_01 starting/);
    await tree.press("x");
    const screen = await tree.shows(/exit 70/);
    assert.match(screen, /a last word/);
    assert.ok(await tree.cursorIsVisible());
  });

  it("is coloured, unless NO_COLOR is set", async () => {
    const colour = /\u001b\[[0-9;]*3[0-7]m/;
    const coloured = await play("small", startsOn("web-02", "web:web_01"));
    await coloured.shows(/web_01 starting/);
    assert.match(await coloured.screen({ escapes: true }), colour);
    await coloured.close();
    const plain = await play("small", startsOn("web-02", "web:web_01"), SMALL_SCREEN, { env: { NO_COLOR: "1" } });
    await plain.shows(/web_01 starting/);
    assert.doesNotMatch(await plain.screen({ escapes: true }), /\u001b\[/);
  });

  it("takes a terminal that does not know its size for one of 80x24", async () => {
    const tree = await play("large", startsOn("web-050.example.com", "web:web_02"), SMALL_SCREEN, {
      before: "stty columns 0 rows 0",
    });
    assert.equal((await tree.shows(/34 more hosts in progress[^]*waiting for .*\n/)).trimEnd().split("\n").length, 23);
  });

  it("shows escape sequences from hosts instead of obeying them", async () => {
    const tree = await play("hostile", (event) => event.type === "rollout.halted");
    const screen = await tree.shows(/halting/);
    assert.match(screen, /\\x1b\[2J\\x1b\]0;owned\\x07/);
    assert.match(screen, /^❯ prod/);
  });
});
