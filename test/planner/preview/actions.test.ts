import assert from "node:assert/strict";
import type { PlanAction } from "../../../src/domain/action.ts";
import type { RolloutId } from "../../../src/domain/ids.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { changesSince } from "../../../src/planner/build/changes-since.ts";
import { offlineText, planOffline } from "../../../src/planner/preview/preview-offline.ts";
import { fleetOf, instance, narrowed, planOf, preview, rolloutOf, type Hosts } from "./plans.ts";

const STATES: Hosts = {
  h: [
    "web:up",
    instance("web:stopped", { state: "STOPPED" }),
    instance("web:done", { state: "EXITED", atRest: true }),
    instance("web:between", { state: "EXITED" }),
    instance("web:fatal", { state: "FATAL", description: "Exited too quickly" }),
    instance("web:backoff", { state: "BACKOFF" }),
  ],
};

/** `instance action` of all that is planned. */
function planned({ waves }: Rollout): string[] {
  return waves.flatMap(({ batches }) =>
    batches.flatMap(({ hosts }) =>
      hosts.flatMap((work) =>
        work.batches.flatMap(({ instances }) =>
          instances.map((one) => `${one.instance} ${[one.action, one.signal ?? []].flat().join(" ")}`),
        ),
      ),
    ),
  );
}

function skipped({ skipped: all }: Rollout): string[] {
  return all.map(({ instance: name, why }) => `${name}: ${why}`);
}

function messages({ warnings }: Rollout): string[] {
  return warnings.map(({ instance: name, message }) => `${name}: ${message}`);
}

function planWith(settings: string): ReturnType<typeof planOf> {
  return planOf(`programs: web\nhosts: { h: }\n${settings}`);
}

describe("action: start", () => {
  it("starts what is STOPPED, FATAL or EXITED at rest, and leaves alone what is up or about to be", () => {
    const rollout = rolloutOf(planWith("action: start\n"), STATES);
    assert.deepEqual(planned(rollout), ["web:stopped start", "web:done start", "web:fatal start"]);
    assert.deepEqual(skipped(rollout), [
      "web:up: it is RUNNING already",
      "web:between: it is EXITED already",
      "web:backoff: it is BACKOFF already",
    ]);
    assert.deepEqual(messages(rollout), []);
  });

  it("takes nothing down, so that every floor leaves room for it", () => {
    const plan = planWith("action: start\nlimits: { min_healthy: 2 }\n");
    const text = preview(plan, { h: ["web:web_0", instance("web:web_1", { state: "STOPPED" })] });
    assert.match(text, /^prod: 1 instance on 1 host would be started;/);
    assert.match(text, /^ {2}each: start, healthy after 5s RUNNING on one pid$/m);
    assert.match(text, /^ {2}web: 1 of 2, now 1 \(min_healthy: 2\)$/m);
  });
});

describe("action: stop", () => {
  it("stops what is up or may be started again, and leaves alone what is down", () => {
    const rollout = rolloutOf(planWith("action: stop\n"), STATES);
    assert.deepEqual(planned(rollout), ["web:up stop", "web:between stop", "web:backoff stop"]);
    assert.deepEqual(skipped(rollout), [
      "web:stopped: it is STOPPED already",
      "web:done: it is EXITED already",
      "web:fatal: it is FATAL already",
    ]);
    assert.deepEqual(messages(rollout), []);
  });

  it("adds up: what was stopped is still down when the next is, in the preview and for the floor", () => {
    const plan = planWith("action: stop\n");
    const text = preview(plan, { h: ["web:a", "web:b"] });
    assert.match(text, /^prod: 2 instances on 1 host would be stopped;/);
    assert.match(text, /^ {2}each: stop, done once it is STOPPED; 10s pause before the next on its host$/m);
    assert.match(text, /^ {2}web: 0 of 2$/m);
    assert.match(text, /^It takes at least 10s,/m);
  });

  it("that a floor forbids is refused before the first change, with the floor that would allow it", () => {
    const hosts = { h: ["web:a", "web:b", "web:c", "web:d", "worker"] };
    const refusalOf = (settings: string) => {
      const plan = planOf(`programs: ["web:a", "web:b"]\nhosts: { h: }\naction: stop\n${settings}`);
      const built = buildRollout(plan, fleetOf(hosts), { id: "20261123T000000Z-0000" as RolloutId });
      return built.kind === "refused" ? built.refusals : [];
    };
    assert.deepEqual(refusalOf("limits: { min_healthy: 2 }\n"), []);
    assert.deepEqual(refusalOf("limits: { min_healthy: 75% }\n"), [
      {
        code: "floor_impossible",
        reason:
          "min_healthy: 75% keeps 3 of 4 web healthy, and the rollout stops more than that leaves: at most 2 (50%) would allow that",
      },
    ]);
  });

  it("that only a broken instance forbids is warned of: it waits, and halts if that does not recover", () => {
    const base = planOf('programs: ["web:web_0"]\nhosts: { h: }\naction: stop\nlimits: { min_healthy: 1 }\n');
    const rollout = rolloutOf(base, { h: ["web:web_0", instance("web:web_1", { state: "FATAL" })] });
    assert.deepEqual(messages(rollout), [
      "undefined: min_healthy keeps 1 of 2 web healthy, and only 1 are healthy now: it will wait for more, and halt if none recover",
    ]);
  });
});

describe("action: { signal: HUP }", () => {
  it("signals what runs; what has no process is left alone, and named", () => {
    const rollout = rolloutOf(planWith("action: { signal: HUP }\n"), STATES);
    assert.deepEqual(planned(rollout), ["web:up signal HUP", "web:between signal HUP", "web:backoff signal HUP"]);
    assert.deepEqual(skipped(rollout), [
      "web:stopped: it is STOPPED: there is no process to signal",
      "web:done: it is EXITED: there is no process to signal",
      "web:fatal: it is FATAL (Exited too quickly): there is no process to signal",
    ]);
    assert.deepEqual(messages(rollout), [
      "web:done: it is EXITED: there is no process to signal, and it is left as it is",
      "web:between: it is EXITED already: it fails if it is not RUNNING when it is signalled",
      "web:fatal: it is FATAL (Exited too quickly): there is no process to signal, and it is left as it is",
      "web:backoff: it is BACKOFF already: it fails if it is not RUNNING when it is signalled",
    ]);
  });

  it("is shown as what it is, and counts against floors like a restart: a reload may break its process", () => {
    const plan = planWith("action: { signal: USR2 }\nbatches: { instances: 2 }\n");
    const text = preview(plan, { h: ["web:web_0", "web:web_1", "web:web_2"] });
    assert.match(text, /^prod: 3 instances on 1 host would be signalled USR2;/);
    assert.match(text, /^ {2}each: signal USR2, healthy after 5s RUNNING on the same pid; 10s pause/m);
    assert.match(text, /^ {4}h {2}web:web_\[0-2\] 2 at a time \(signal USR2\)$/m);
    assert.match(text, /^ {2}web: 1 of 3$/m);
  });
});

describe("a resume", () => {
  it("is refused where its plan has another action by now; restarts and updates may stand for each other", () => {
    const plan = planWith("action: stop\n");
    const stopped = rolloutOf(plan, { h: ["web:web_0"] });
    assert.deepEqual(changesSince(stopped, plan), []);
    const restarting = planWith("");
    assert.deepEqual(changesSince(stopped, restarting), ["the action of all was stop and is restart"]);
    const restarted = rolloutOf(restarting, { h: ["web:web_0"] });
    assert.deepEqual(changesSince(restarted, planWith("action: update\n")), []);
    assert.deepEqual(changesSince(restarted, planWith("action: { signal: HUP }\n")), [
      "the action of all was restart and is signal HUP",
    ]);
  });
});

describe("which action an instance gets", () => {
  const hosts = { "web-1": ["web", "worker"], "web-2": ["web", "worker"] };
  const plan = planOf(`
programs: [web, worker: { action: restart }]
hosts: { "web-[1-2]": }
groups: { first: { hosts: web-1, action: stop }, second: { hosts: web-2, action: stop } }
action: start
rollout: [{ group: first }, { group: second, action: { signal: HUP } }]
`);

  it("is that of its program, else of its entry in rollout, else of its group, else of the plan", () => {
    assert.deepEqual(planned(rolloutOf(plan, hosts)), [
      "web stop",
      "worker restart",
      "web signal HUP",
      "worker restart",
    ]);
    const ofPlan = planOf("programs: web\nhosts: { web-1: }\naction: stop\n");
    assert.deepEqual(planned(rolloutOf(ofPlan, hosts)), ["web stop"]);
  });

  it("is that of the command line, whatever the plan says, and the rollout records it", () => {
    for (const [action, words] of [
      ["restart", "restart"],
      ["stop", "stop"],
      [{ signal: "USR1" }, "signal USR1"],
    ] as const satisfies [PlanAction, string][]) {
      const rollout = rolloutOf(narrowed(plan, { action }), hosts);
      assert.deepEqual(
        planned(rollout),
        ["web", "worker", "web", "worker"].map((name) => `${name} ${words}`),
      );
      assert.deepEqual(rollout.selection.action, action);
    }
  });

  it("is shown for each program where they differ, also without contact", () => {
    const text = preview(plan, hosts);
    assert.match(text, /^ {2}web each: stop, done once it is STOPPED/m);
    assert.match(text, /^ {2}worker each: restart, healthy after 5s RUNNING on one pid/m);
    assert.match(text, /^ {4}web-1 {2}web \(stop\), then worker$/m);
    const offline = offlineText(plan);
    assert.match(offline, /^ {2}action: stop\n {2}action of worker: restart$/m);
    assert.match(offline, /^ {2}action: signal HUP\n {2}action of worker: restart$/m);
    const waves = JSON.stringify(planOffline(plan).waves.map(({ action }) => action));
    assert.equal(waves, '["stop",{"signal":"HUP"}]');
  });
});
