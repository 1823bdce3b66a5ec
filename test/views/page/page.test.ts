import assert from "node:assert/strict";
import type { RecordedEvent } from "../../../src/domain/events.ts";
import type { HostName, InstanceName, ProgramName } from "../../../src/domain/ids.ts";
import { createPage } from "../../../src/views/page/page.ts";
import { Browser } from "./browser.ts";
import { failed, finished, planned, recorded, restarting } from "../rollout-script.ts";
import { simulatedJournal } from "../simulated-journal.ts";

function pageOf(events: readonly RecordedEvent[]): string {
  const page = createPage({ plan: "plans/prod.yaml" });
  for (const event of events) page.apply(event);
  return page.html();
}

/** Its third host has an instance that crashes, and with that it halts. */
const halted = () =>
  simulatedJournal({
    hosts: 4,
    instances: 3,
    hostsAtOnce: 2,
    minHealthy: 9,
    prepare: (fleet) => fleet.behave("host-3", "web:1", { crashesAtStart: Infinity }),
  });

const COUNTS = `Object.fromEntries([...document.querySelectorAll("[data-count]")].map((b) => [b.dataset.count, Number(b.textContent)]))`;

/** Elements whose text ends outside the window, or outside a box that does not let it be seen. */
const CLIPPED = `[...document.querySelectorAll("main *")].flatMap((each) => {
  if (each.closest(".hidden, svg, [hidden]") || each.getClientRects().length === 0) return [];
  const isCut = getComputedStyle(each).overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1;
  const isOutside = each.getBoundingClientRect().right > innerWidth + 1;
  return isCut || isOutside ? [each.outerHTML.slice(0, 120)] : [];
})`;

describe("the page that shows a rollout", () => {
  let browser: Browser;
  before(() => void (browser = new Browser()));
  after(() => browser.close());

  it("shows the numbers of the journal", async () => {
    const events = await halted();
    const end = events.at(-1);
    assert.ok(end?.type === "rollout.finished");
    assert.deepEqual(end.counts, { healthy: 9, failed: 1, skipped: 0, untouched: 2 });
    const page = await browser.open(pageOf(events));
    assert.deepEqual(page.complaints, []);
    assert.deepEqual(await page.evaluate(COUNTS), end.counts);
    assert.match(
      await page.evaluate("document.body.innerText"),
      /halted[^]*host-3 web:1[^]*Supervisor gave up starting it \(fatal\)/,
    );
    assert.equal(await page.evaluate("document.querySelectorAll('tr[data-host]').length"), 4);
    assert.equal(
      await page.evaluate(
        "document.querySelector('tr[data-host=\"2\"] td:last-child').innerText.replace(/\\s+/g, ' ')",
      ),
      "1 healthy ✗ 1 failed 1 untouched",
    );
    assert.match(await page.evaluate("document.getElementById('events-shown').textContent"), /^\d+ events$/);
    assert.equal(await page.evaluate("document.querySelectorAll('.health svg path.line').length"), 1);
    assert.ok(await page.evaluate("document.querySelector('tr[data-host=\"2\"] svg path.failed') !== null"));
  });

  it("says how many were healthy at the least, as counted from the events alone", async () => {
    const events = await halted();
    const page = await browser.open(pageOf(events));
    const down = new Set<string>();
    let lowest = 12;
    for (const event of events) {
      if (event.type === "instance.restarting" || event.type === "instance.failed")
        down.add(`${event.host} ${event.instance}`);
      if (event.type === "instance.healthy") down.delete(`${event.host} ${event.instance}`);
      lowest = Math.min(lowest, 12 - down.size);
    }
    assert.equal(await page.evaluate("Number(document.querySelector('[data-lowest=web]').textContent)"), lowest);
  });

  it("is made of itself alone: nothing is asked of the network, and nothing can be", async () => {
    const text = pageOf(await halted());
    const page = await browser.open(text);
    assert.deepEqual(
      page.requests.filter((url) => !/^file:.*\/page-\d+\.html$/.test(url)),
      [],
    );
    assert.match(text, /Content-Security-Policy" content="default-src &#39;none&#39;; script-src &#39;sha256-/);
    const fetched = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'let', () => 'refused')");
    assert.equal(await fetched, "refused");
    assert.match(page.complaints.join("\n"), /Content Security Policy/);
  });

  it("shows what hosts and programs say, and never obeys it", async () => {
    const evil = `</script><script>window.owned = 1</script><img src=x onerror="window.owned = 2">'"&\u2028\u2029`;
    const plan = planned({
      name: evil,
      reason: evil,
      waves: [{ group: evil, hosts: [evil, "__proto__"], hostsAtOnce: 1 }],
      instances: [`web:${evil}`, "web:constructor"],
      warnings: [{ message: evil, host: evil as HostName, instance: evil as InstanceName }],
      skipped: [{ host: evil, instance: evil, why: evil }],
    });
    const floors = [{ program: evil as ProgramName, total: 1, min_healthy: 1 }];
    const page = await browser.open(
      pageOf(
        recorded([
          { ...plan, limits: { ...plan.limits, floors } },
          { type: "rollout.started" },
          restarting(evil, `web:${evil}`),
          failed(evil, `web:${evil}`, "fatal", `it is FATAL ${evil}`, `${evil}\n\u001b[31m${evil}`),
          restarting("__proto__", "web:constructor"),
          { type: "rollout.halted", code: "fatal", reason: evil },
          finished("halted", { failed: 1 }, 4),
        ]),
      ),
    );
    await page.evaluate("document.querySelectorAll('tr[data-host] button').forEach((button) => button.click())");
    assert.equal(await page.evaluate("window.owned"), undefined);
    assert.deepEqual(page.complaints, []);
    assert.equal(await page.evaluate("document.querySelectorAll('img').length"), 0);
    assert.match(
      await page.evaluate("document.querySelector('.failure pre').textContent"),
      /^<\/script><script>[^]*\\x1b\[31m/,
    );
    assert.match(await page.evaluate("document.querySelector('h1').textContent"), /<\/script><script>/);
  });

  it("finds events by words and by kind, and hosts by name and by what became of them", async () => {
    const page = await browser.open(pageOf(await halted()));
    const found = (input: string, value: string, event: string) =>
      page.evaluate(`(() => {
        const input = document.getElementById(${JSON.stringify(input)});
        input.value = ${JSON.stringify(value)};
        input.dispatchEvent(new Event(${JSON.stringify(event)}));
      })()`);
    const texts = "[...document.querySelectorAll('#event-rows tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))";
    await found("event-search", "HOST-3 fatal", "input");
    await found("event-kind", "trouble", "change");
    const rows = await page.evaluate<string[]>(texts);
    assert.ok(rows.length > 0);
    for (const row of rows) assert.match(row, /host-3.*fatal/i);
    const shown =
      "[...document.querySelectorAll('tr[data-host]')].filter((row) => row.checkVisibility()).map((row) => row.querySelector('th').innerText.slice(-6))";
    await found("host-search", "host-3", "input");
    assert.deepEqual(await page.evaluate(shown), ["host-3"]);
    await found("host-search", "", "input");
    await found("host-state", "untouched", "change");
    assert.deepEqual(await page.evaluate(shown), ["host-3", "host-4"]);
    await found("host-state", "failed", "change");
    assert.deepEqual(await page.evaluate(shown), ["host-3"]);
  });

  it("lists what a plan skips, and warnings, with the instances and hosts that they are about", async () => {
    const plan = planned({
      waves: [{ group: "web", hosts: ["web-01"], hostsAtOnce: 1 }],
      instances: ["web:0"],
      skipped: [{ host: "web-01", instance: "web:1", why: "it was STOPPED before" }],
      warnings: [{ host: "web-01" as HostName, message: "startsecs is 0" }],
    });
    const page = await browser.open(pageOf(recorded([plan, finished("interrupted", { untouched: 1 })])));
    const rowsOf = (kind: string) =>
      page.evaluate<string[]>(`[...document.querySelectorAll("#event-rows tr.${kind}")].map((row) => row.innerText)`);
    assert.match((await rowsOf("instance")).join(), /^[^,]*web-01 web:1\s+skipped: it was STOPPED before$/);
    assert.match((await rowsOf("host")).join(), /^[^,]*web-01\s+warning: startsecs is 0$/);
    assert.doesNotMatch((await rowsOf("rollout")).join(), /skipped:|warning/);
  });

  it("can be used by keyboard, and read without seeing it", async () => {
    const page = await browser.open(pageOf(await halted()));
    await page.evaluate("document.querySelector('tr[data-host=\"2\"] button').focus()");
    await page.press("Enter");
    const opened = await page.evaluate<string>("document.querySelector('tr.opened').innerText");
    assert.match(opened, /Instances of host-3[^]*web:1[^]*old[^]*starting[^]*failed/);
    assert.equal(
      await page.evaluate("document.querySelector('tr[data-host=\"2\"] button').getAttribute('aria-expanded')"),
      "true",
    );
    await page.press("Enter");
    assert.equal(await page.evaluate("document.querySelector('tr.opened')"), null);
    const unnamed = await page.evaluate<string[]>(`[...document.querySelectorAll("button, input, select")]
      .filter((each) => !each.innerText && !each.getAttribute("aria-label") && !each.labels?.length).map((each) => each.outerHTML)`);
    assert.deepEqual(unnamed, []);
    const drawings = await page.evaluate<string[]>(`[...document.querySelectorAll("svg")]
      .filter((each) => each.getAttribute("aria-hidden") !== "true" && !each.getAttribute("aria-label")).map((each) => each.outerHTML)`);
    assert.deepEqual(drawings, []);
    const headings = await page.evaluate<string[]>(
      "[...document.querySelectorAll('h1, h2')].map((each) => each.innerText)",
    );
    assert.deepEqual(headings.slice(1), [
      "Failed",
      "How to continue",
      "Healthy instances",
      "Timeline",
      "Events",
      "The plan as it was run",
    ]);
    assert.equal(await page.evaluate("[...document.querySelectorAll('th')].filter((th) => !th.scope).length"), 0);
  });

  it("draws what is in sight of 200 hosts, at once, in light and in dark", async () => {
    const events = await simulatedJournal({
      hosts: 200,
      instances: 8,
      hostsAtOnce: 50,
      instancesAtOnce: 4,
      minHealthy: 1400,
    });
    const text = pageOf(events);
    const colours: string[] = [];
    for (const dark of [false, true]) {
      const page = await browser.open(text, { dark });
      assert.deepEqual(page.complaints, []);
      assert.deepEqual(await page.evaluate(COUNTS), { healthy: 1600, failed: 0, skipped: 0, untouched: 0 });
      colours.push(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"));
      assert.equal(await page.evaluate("document.querySelectorAll('tr[data-host]').length"), 200);
      const drawn = await page.evaluate<number>("document.querySelectorAll('tr[data-host] svg').length");
      assert.ok(drawn < 150, `${drawn} hosts were drawn before anybody saw them`);
      await page.evaluate(`new Promise((resolve) => {
        const last = document.querySelector('tr[data-host="199"]');
        new MutationObserver(resolve).observe(last.querySelector("td.drawn"), { childList: true });
        last.scrollIntoView();
      })`);
      const wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
      assert.equal(wide, false, "it has to be scrolled sideways");
    }
    assert.notEqual(colours[0], colours[1]);
  });

  it("shows another time when it is asked to", async () => {
    const page = await browser.open(pageOf(await halted()));
    const axis = "document.getElementById('axis').innerText || document.getElementById('axis').textContent";
    const before = await page.evaluate(axis);
    await page.evaluate("document.querySelector('[data-zoom=in]').click()");
    assert.notEqual(await page.evaluate(axis), before);
    await page.evaluate("document.querySelector('[data-zoom=all]').click()");
    assert.equal(await page.evaluate(axis), before);
  });

  it("clips nothing on a phone of 390 pixels", async () => {
    const long = "web-01.production.eu-central.example-company.com";
    const waves = [{ group: "web", hosts: [long, "web-02"], hostsAtOnce: 1 }];
    const script = planned({ waves, instances: ["a-program-with-a-long-name:a-program-with-a-long-name_00"] });
    const pages = [
      await halted(),
      recorded([
        script,
        { type: "rollout.started" },
        restarting(long, "a-program-with-a-long-name:a-program-with-a-long-name_00"),
        finished("interrupted", { failed: 1, untouched: 1 }),
      ]),
    ];
    for (const events of pages) {
      const page = await browser.open(pageOf(events), { width: 390, height: 800 });
      await page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
      await page.evaluate("document.querySelectorAll('tr[data-host] button').forEach((each) => each.click())");
      assert.equal(await page.evaluate("innerWidth"), 390);
      assert.deepEqual(await page.evaluate(CLIPPED), []);
    }
  });

  it("draws the healthy instances on a scale from 0", async () => {
    const page = await browser.open(pageOf(await halted()));
    const labels = await page.evaluate<string>(
      "[...document.querySelectorAll('table.health text.count')].map((text) => text.textContent).join()",
    );
    assert.equal(labels, "12,0");
  });

  it("has a button for each command that copies it", async () => {
    const page = await browser.open(pageOf(await halted()));
    const commands = await page.evaluate<string[]>(
      "[...document.querySelectorAll('button.copy')].map((button) => button.previousElementSibling.textContent)",
    );
    assert.ok(commands.length > 0);
    for (const command of commands) assert.match(command, /^orchestrate plans\/prod\.yaml/);
    await page.evaluate(`{
      document.addEventListener("copy", () => (document.title = "copied: " + getSelection()));
      document.querySelector("button.copy").focus();
    }`);
    // As a user does it: only then a browser lets a page copy.
    await page.press("Enter");
    assert.equal(await page.evaluate("document.title"), `copied: ${commands[0]}`);
    assert.equal(await page.evaluate("document.querySelector('button.copy').textContent"), "copied");
    assert.deepEqual(page.complaints, []);
  });

  it("counts a host once that has its turn in several waves, and names who started it", async () => {
    const waves = [
      { group: "canary", hosts: ["web-01"], hostsAtOnce: 1 },
      { group: "web", hosts: ["web-01", "web-02"], hostsAtOnce: 1 },
    ];
    const script = { ...planned({ waves, instances: ["web:web_00"] }), who: "deploy@ci-1", pid: 4711 };
    const page = await browser.open(
      pageOf(recorded([script, { type: "rollout.started" }, finished("succeeded", { healthy: 3 })])),
    );
    assert.equal(await page.evaluate("document.getElementById('hosts-shown').textContent"), "2 hosts");
    assert.match(await page.evaluate("document.body.innerText"), /Started by\s+deploy@ci-1/);
  });

  it("shows a rollout that was refused, and one whose journal ends in the middle", async () => {
    const refused = await browser.open(
      pageOf(
        recorded([finished("refused", {}, 2, [{ code: "unreachable", host: "web-07", reason: "connect ETIMEDOUT" }])]),
      ),
    );
    assert.deepEqual(refused.complaints, []);
    assert.match(await refused.evaluate("document.body.innerText"), /refused[^]*web-07: connect ETIMEDOUT/);
    const cut = await browser.open(pageOf((await halted()).slice(0, 12)));
    assert.deepEqual(cut.complaints, []);
    assert.match(await cut.evaluate("document.body.innerText"), /did not finish/);
    const running = createPage({}, { state: "running", pid: 4711, machine: "ci-1" });
    for (const event of (await halted()).slice(0, 12)) running.apply(event);
    const shown = await (await browser.open(running.html())).evaluate<string>("document.body.innerText");
    assert.match(shown, /running[^]*nothing to repair or to resume/);
    assert.doesNotMatch(shown, /did not finish|abandoned/i);
    const empty = await browser.open(pageOf([]));
    assert.deepEqual(empty.complaints, []);
  });

  it("knows of instances that were not running before, drained, lost, waiting and skipped", async () => {
    // The words of the legend are those of the states that occur.
    const hook = { command: "true", run: "host" } as const;
    const text = pageOf(
      await simulatedJournal({
        hosts: 3,
        instances: 2,
        hostsAtOnce: 3,
        minHealthy: 5,
        hooks: { before_restart: hook, after_healthy: hook },
        prepare: (fleet) => fleet.process("host-1", "web:0").breakDown(),
      }),
    );
    for (const words of ["not running before", "waiting for capacity", "drained by the plan", "soaking", "healthy"])
      assert.ok(text.includes(words), words);
  });
});
