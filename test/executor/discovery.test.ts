import assert from "node:assert/strict";
import type { InstanceConfig, RereadOutcome } from "../../src/domain/fleet.ts";
import { programOf, type HostName, type InstanceName, type RolloutId } from "../../src/domain/ids.ts";
import type { LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessState } from "../../src/domain/process-state.ts";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { discover } from "../../src/executor/discovery.ts";
import type { FleetHost } from "../../src/executor/ports.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { systemClock } from "../../src/executor/system-clock.ts";

type States = Readonly<Record<string, ProcessState>>;

/** A host that shows one of these at each look, and how often it was looked at. */
function hostOf(looks: readonly (States | "hangs")[], configs: Readonly<Record<string, InstanceConfig>> = {}) {
  let count = 0;
  const look = (): LookOutcome => {
    const states = looks[count++] ?? "hangs";
    if (states === "hangs") return { kind: "unavailable", reason: "supervisord may hang" };
    const snapshots = Object.entries(states).map(([name, state]) => ({ instance: name as InstanceName, state }));
    return { kind: "seen", snapshots };
  };
  const config = () => ({ instances: new Map(Object.entries(configs) as [InstanceName, InstanceConfig][]), files: [] });
  const opened: Pick<FleetHost, "connection"> & { supervisor: Partial<FleetHost["supervisor"]> } = {
    connection: {
      host: "h" as HostName,
      connect: () => Promise.resolve({ kind: "connected" }),
      close: () => Promise.resolve(),
    },
    supervisor: { look: () => Promise.resolve(look()), config: () => Promise.resolve(config()) },
  };
  return { opened: opened as FleetHost, looked: () => count };
}

/** What is found on hosts, and for how long each wait was. */
async function discovered(...hosts: readonly ReturnType<typeof hostOf>[]) {
  const waits: number[] = [];
  const fleet = new Map(hosts.map(({ opened }, index) => [`h${index}` as HostName, opened]));
  const reports = await discover(fleet, new Recorder("id" as RolloutId, systemClock, []), {
    withConfig: true,
    atRest: {
      isAsked: (program) => program !== programOf("other" as InstanceName),
      wait: (ms) => Promise.resolve(waits.push(ms)),
    },
  });
  return { reports: [...reports.values()], waits };
}

describe("what is EXITED at rest", () => {
  it("is so in two looks two seconds apart; a worker that exits by design is EXITED for a moment", async () => {
    const host = hostOf([
      { done: "EXITED", worker: "EXITED", late: "RUNNING", web: "RUNNING" },
      { done: "EXITED", worker: "RUNNING", late: "EXITED", web: "RUNNING" },
    ]);
    const { reports, waits } = await discovered(host);
    const [report] = reports;
    assert.deepEqual(waits, [2000]);
    assert.ok(report && "instances" in report);
    assert.deepEqual([...(report.at_rest ?? [])], ["done"]);
    assert.deepEqual(
      report.instances.map(({ instance, state }) => [instance, state]),
      [
        ["done", "EXITED"],
        ["worker", "RUNNING"],
        ["late", "RUNNING"],
        ["web", "RUNNING"],
      ],
    );
  });

  it("is known by its configuration without another look, and never waited for where it does not matter", async () => {
    const byConfig = hostOf([{ done: "EXITED" }], { done: { autorestart: false } });
    const restarted = hostOf([{ worker: "EXITED" }], { worker: { autorestart: true } });
    const unasked = hostOf([{ other: "EXITED" }]);
    const { reports, waits } = await discovered(byConfig, restarted, unasked, hostOf([{ web: "FATAL" }]));
    assert.deepEqual(waits, []);
    assert.deepEqual(
      reports.map((report) => "instances" in report && [...(report.at_rest ?? [])]),
      [["done"], [], [], []],
    );
  });

  it("depends on the second look where an expected exit is not restarted", async () => {
    const host = hostOf([{ once: "EXITED" }, { once: "EXITED" }], { once: { autorestart: "unexpected" } });
    const { reports, waits } = await discovered(host);
    assert.equal(waits.length, 1);
    assert.ok(reports[0] && "instances" in reports[0]);
    assert.deepEqual([...(reports[0].at_rest ?? [])], ["once"]);
  });

  it("is not guessed where the second look fails: the host is refused", async () => {
    const { reports } = await discovered(hostOf([{ done: "EXITED" }, "hangs"]));
    assert.deepEqual(reports, [
      { host: "h0", refusal: { code: "supervisor_unavailable", host: "h0", reason: "supervisord may hang" } },
    ]);
  });
});

describe("whether supervisorctl works on a host", () => {
  const trouble = { kind: "unavailable", reason: "it asks for a password" } as const;
  const troubled = () => {
    const { opened } = hostOf([{ web: "RUNNING" }]);
    let asked = 0;
    const ask = () => {
      asked += 1;
      return Promise.resolve(trouble);
    };
    return {
      host: { ...opened, supervisor: { ...opened.supervisor, troubleWithSupervisorctl: ask } },
      asked: () => asked,
    };
  };

  it("is asked once where something is to be changed, and on no other host", async () => {
    const [changed, watched] = [troubled(), troubled()];
    const fleet = new Map([
      ["changed" as HostName, changed.host],
      ["watched" as HostName, watched.host],
    ]);
    const recorder = new Recorder("id" as RolloutId, systemClock, []);
    const reports = await discover(fleet, recorder, { changedOn: new Set(["changed" as HostName]) });
    const [first, second] = [...reports.values()];
    assert.ok(first && "refusal" in first && first.refusal.code === "supervisor_unavailable");
    assert.match(first.refusal.reason, /restarts need it: it asks for a password$/);
    assert.ok(second && "instances" in second);
    assert.deepEqual([changed.asked(), watched.asked()], [1, 0]);
  });
});

describe("the configuration on a host's disk", () => {
  const read: RereadOutcome = { kind: "read", groups: new Map(), instances: [] };
  const rereading = async (outcome: RereadOutcome, rereadOn: readonly string[]) => {
    let asked = 0;
    const { opened } = hostOf([{ web: "RUNNING" }]);
    const reread = () => {
      asked++;
      return Promise.resolve(outcome);
    };
    const host: FleetHost = { ...opened, supervisor: { ...opened.supervisor, reread } };
    const reports = await discover(
      new Map([["h" as HostName, host]]),
      new Recorder("id" as RolloutId, systemClock, []),
      { rereadOn: new Set(rereadOn as HostName[]) },
    );
    return { asked, report: reports.get("h" as HostName) };
  };

  it("is read again only where that is asked", async () => {
    const there = await rereading(read, ["h"]);
    assert.equal(there.asked, 1);
    assert.ok(there.report && "reread" in there.report);
    const elsewhere = await rereading(read, ["other"]);
    assert.equal(elsewhere.asked, 0);
    assert.ok(elsewhere.report && !("reread" in elsewhere.report));
  });

  it("that supervisord cannot read refuses the host, in supervisord's words", async () => {
    const reason = "Invalid value for numprocs in section 'program:web' (file: '/etc/supervisor/conf.d/web.conf')";
    const { report } = await rereading({ kind: "invalid", reason }, ["h"]);
    assert.deepEqual(report, { host: "h", refusal: { code: "config_unreadable", host: "h", reason } });
    const unasked = await rereading({ kind: "unavailable", reason: "it does not answer" }, ["h"]);
    assert.ok(unasked.report && "refusal" in unasked.report);
    assert.equal(unasked.report.refusal.code, "supervisor_unavailable");
  });
});

describe("a look at the fleet that the operator interrupts", () => {
  it("does not call the hosts unreachable whose connections it closes", async () => {
    const interrupted = new AbortController();
    const events: string[] = [];
    const view = { show: ({ type }: RecordedEvent) => void events.push(type), end: () => Promise.resolve() };
    const refusal = { code: "unreachable", host: "h0" as HostName, reason: "the connection was closed" } as const;
    const connecting: FleetHost["connection"] = {
      host: "h0" as HostName,
      connect: () => {
        interrupted.abort();
        return Promise.resolve({ kind: "refused", refusal });
      },
      close: () => Promise.resolve(),
    };
    const host = { ...hostOf([]).opened, connection: connecting };
    await discover(new Map([["h0" as HostName, host]]), new Recorder("id" as RolloutId, systemClock, [view]), {
      interrupted: interrupted.signal,
    });
    assert.deepEqual(events, []);
  });
});
