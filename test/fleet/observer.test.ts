import assert from "node:assert/strict";
import type { ProcessInfo, ProcessStateName } from "./fleet.ts";
import { observe, type Observable, type Observation } from "./observer.ts";

const WEB_AND_MAIL = { "web:web_0": "RUNNING", "web:web_1": "RUNNING", mail: "RUNNING" } as const;

function scriptedHost(name: string, states: Readonly<Record<string, ProcessStateName>> = WEB_AND_MAIL) {
  let log =
    "2026-11-23 09:00:00,000 INFO success: web_0 entered RUNNING state, process has stayed up for > than 0 seconds\n";
  const host: Observable = {
    name,
    supervisordLog: () => Promise.resolve(log),
    processes: () =>
      Promise.resolve(
        Object.entries(states).map(([instance, state]): ProcessInfo => {
          const [group = "", process = group] = instance.split(":");
          return {
            instance,
            group,
            name: process,
            state,
            pid: 1,
            start: 0,
            stop: 0,
            now: 0,
            exitstatus: 0,
            spawnerr: "",
          };
        }),
      ),
  };
  return {
    host,
    /** At so many milliseconds past the full minute. */
    logs: (ms: number, text: string) =>
      (log += `2026-11-23 10:00:00,${String(ms).padStart(3, "0")} ${levelOf(text)} ${text}\n`),
  };
}

/** supervisord warns of what did not end as it should: by itself, and with an exit status that is expected. */
function levelOf(text: string): "INFO" | "WARN" {
  return /terminated by|not expected/.test(text) ? "WARN" : "INFO";
}

type Logs = ReturnType<typeof scriptedHost>["logs"];

const asked = (name: string) => `waiting for ${name} to stop`;
const stopped = (name: string) => `stopped: ${name} (terminated by SIGTERM)`;
const crashed = (name: string) => `exited: ${name} (terminated by SIGKILL; not expected)`;
const up = (name: string) =>
  `success: ${name} entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`;

async function seen(happens: (a: Logs, b: Logs) => void): Promise<Observation> {
  const [a, b] = [scriptedHost("a"), scriptedHost("b")];
  const observed = await observe({ hosts: [a.host, b.host] });
  happens(a.logs, b.logs);
  return observed();
}

describe("an observer of a fleet", () => {
  it("counts as down together what was not RUNNING at the same moment, on whatever host", async () => {
    const observation = await seen((a, b) => {
      a(1, asked("web_0"));
      a(2, stopped("web_0"));
      b(5, crashed("web_1"));
      a(9, up("web_0"));
      b(10, up("web_1"));
      a(11, crashed("mail"));
    });
    assert.deepEqual(observation.mostDown(), { overall: 2, perHost: { a: 1, b: 1 }, perProgram: { web: 2, mail: 1 } });
    assert.equal(observation.hostsDownAtOnce(), 2);
  });

  it("sees one host at a time when they take turns, be it in the same millisecond", async () => {
    const observation = await seen((a, b) => {
      b(4, asked("web_0"));
      a(1, asked("web_0"));
      a(4, up("web_0"));
      b(8, up("web_0"));
    });
    assert.equal(observation.hostsDownAtOnce(), 1);
    assert.equal(observation.mostDown().overall, 1);
  });

  it("tells how many were RUNNING when each stop was asked for, and takes no crash for one", async () => {
    const observation = await seen((a, b) => {
      b(1, crashed("mail"));
      a(2, asked("web_1"));
      a(3, stopped("web_1"));
      b(4, stopped("web_0"));
    });
    assert.deepEqual(observation.stops(), [
      { host: "a", instance: "web:web_1", running: 5 },
      { host: "b", instance: "web:web_0", running: 4 },
    ]);
  });

  it("begins with what was down already, and not with what the log said before", async () => {
    const host = scriptedHost("a", { "web:web_0": "FATAL", mail: "RUNNING" });
    const observation = await (await observe({ hosts: [host.host] }))();
    assert.deepEqual(observation.mostDown(), { overall: 1, perHost: { a: 1 }, perProgram: { web: 1, mail: 0 } });
    assert.deepEqual(observation.stops(), []);
  });
});
