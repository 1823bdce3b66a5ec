import type { InstanceName } from "../../src/domain/ids.ts";
import type { Behaviour } from "../fleet/behaviour.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import {
  describeSupervisord,
  isPlayed,
  Looked,
  SCRIPTS,
  type Act,
  type Played,
  type Script,
} from "./sim-process.contract.ts";
import { healthy, SimProcess, type SimBehaviour } from "./sim-process.ts";
import { VirtualTime } from "./virtual-time.ts";

const LOOK_EVERY_MS = 20;
/** Longer than any script takes. */
const DEADLINE_MS = 50_000;

describeSupervisord("a simulated supervisord", (script) => {
  const time = new VirtualTime();
  let pid = 0;
  const process = new SimProcess("web:web_00" as InstanceName, time, () => ++pid);
  const looked = new Looked();
  const answers: string[] = [];
  const ask = (act: Act) =>
    process[act]((said) => answers.push(said.split("\n").at(-1)?.includes("ERROR") ? "refused" : "done"));

  if (script.first) {
    process.behaviour = simulated(script.first.behaviour);
    process.restart(() => undefined);
    // The process that is stopped must be the one that stops slowly.
    time.after(0, function wait() {
      if (process.state !== script.first?.until) time.after(LOOK_EVERY_MS, wait);
    });
    time.run();
  }
  const { stopMs } = process.behaviour;
  process.behaviour = { ...simulated(script.behaviour), stopMs };
  const [first, ...further] = script.acts;
  time.after(0, function look() {
    const { state, pid: its } = process.snapshot();
    looked.see(state, its);
    if (looked.shown.length === 1 && answers.length === 0 && process.stopsAtMs.length === before) ask(first);
    while (further[0]?.when === state) ask(further.shift()!.act);
    time.after(LOOK_EVERY_MS, look);
  });
  const before = process.stopsAtMs.length;
  time.run(() => isPlayed(looked.shown, script) && answers.length >= (script.answers?.length ?? 0));
  return Promise.resolve({ shown: looked.shown, answers });
});

describe("sim-process against the real thing", () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: SCRIPTS.length }] });
  });
  after(() => fleet.down());

  describeSupervisord("a real supervisord", (script, index) =>
    playFor(fleet.host("host-1"), `web:web_${String(index).padStart(2, "0")}`, script),
  );
});

async function playFor(host: FleetHost, instance: string, script: Script): Promise<Played> {
  const looked = new Looked();
  const answers: string[] = [];
  const asked: Promise<unknown>[] = [];
  const ask = (act: Act) => asked.push(askReal(host, instance, act).then((answer) => answers.push(answer)));

  if (script.first) {
    const { behaviour, until: state } = script.first;
    await host.behave(instance, behaviour);
    await askReal(host, instance, "restart");
    await until(async () => (await host.process(instance)).state === state, { deadlineMs: DEADLINE_MS });
  }
  await host.behave(instance, script.behaviour);
  const [first, ...further] = script.acts;
  const look = async () => {
    const { state, pid } = await host.process(instance);
    looked.see(state, pid);
    if (asked.length === 0) ask(first);
    while (further[0]?.when === state) ask(further.shift()!.act);
    return isPlayed(looked.shown, script);
  };
  await until(look, { deadlineMs: DEADLINE_MS, what: `${script.shows.join(", ")} after ${looked.shown.join(", ")}` });
  await Promise.all(asked);
  return { shown: looked.shown, answers };
}

/** As supervisorctl does it: a restart is a stop, whatever comes of it, and a start. */
async function askReal(host: FleetHost, instance: string, act: Act): Promise<string> {
  if (act === "restart") await host.stop(instance).catch(() => undefined);
  return (act === "stop" ? host.stop(instance) : host.start(instance)).then(
    () => "done",
    () => "refused",
  );
}

function simulated(behaviour: Behaviour): SimBehaviour {
  switch (behaviour.kind) {
    case "crash_at_start":
      return { ...healthy, crashesAtStart: Infinity };
    case "recovers":
      return { ...healthy, crashesAtStart: behaviour.failures };
    case "crash_after":
      // Counted from its start; the default startsecs is 1.
      return { ...healthy, diesAfterMs: behaviour.seconds * 1000 - healthy.startsecsMs };
    case "slow_stop":
      return { ...healthy, stopMs: behaviour.seconds * 1000 };
    case "file_gone":
      return { ...healthy, fileGone: true };
    case "healthy":
    case "ignore_term":
    case "slow_start":
      return healthy;
  }
}
