import assert from "node:assert/strict";
import type { InstanceName } from "../../src/domain/ids.ts";
import { historiesOf } from "../../src/supervisor/main-log.ts";

const at = "2026-11-22 10:00:00,123";

/** A log with these messages, a level before each. */
function log(...messages: readonly string[]) {
  return { kind: "text", text: messages.map((message) => `${at} ${message}\n`).join("") } as const;
}

function processesOf(text: ReturnType<typeof log>, instance: string, ...others: readonly string[]) {
  const history = historiesOf(text, [instance, ...others] as InstanceName[]).get(instance as InstanceName);
  assert.ok(history);
  return history.kind === "read"
    ? history.processes.map(({ pid, end, how }) => [pid, end, how].filter((word) => word !== undefined).join(" "))
    : history.reason;
}

describe("what supervisord's own log says of processes", () => {
  it("is how each of them ended, and whether Supervisor expects that", () => {
    const text = log(
      "INFO spawned: 'worker_00' with pid 12",
      "INFO success: worker_00 entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
      "INFO exited: worker_00 (exit status 0; expected)",
      "INFO spawned: 'worker_00' with pid 13",
      "WARN exited: worker_00 (exit status 1; not expected)",
      "INFO spawned: 'worker_00' with pid 14",
      "WARN exited: worker_00 (terminated by SIGKILL; not expected)",
      "INFO spawned: 'worker_00' with pid 15",
      "INFO waiting for worker_00 to stop",
      "INFO stopped: worker_00 (exit status 0)",
      "INFO spawned: 'worker_00' with pid 16",
    );
    assert.deepEqual(processesOf(text, "web:worker_00"), [
      "12 expected exit status 0",
      "13 unexpected exit status 1",
      "14 unexpected terminated by SIGKILL",
      "15 stopped exit status 0",
      "16",
    ]);
  });

  it("begins where it was cut: of the first one only the end is known", () => {
    const text = {
      kind: "text" as const,
      text: `with pid 12\n${log("INFO exited: w (exit status 0; expected)", "INFO spawned: 'w' with pid 13").text}`,
    };
    assert.deepEqual(processesOf(text, "w"), ["expected exit status 0", "13"]);
  });

  it("is of the supervisord that runs now: another one may have ended without a word", () => {
    const text = log(
      "INFO spawned: 'w' with pid 12",
      "INFO supervisord started with pid 99",
      "INFO spawned: 'w' with pid 13",
    );
    assert.deepEqual(processesOf(text, "w"), ["13"]);
  });

  it("is nothing for a process that has the name of another one's on the host: the log has no groups", () => {
    const text = log("INFO spawned: '00' with pid 12", "INFO exited: 00 (exit status 0; expected)");
    assert.match(String(processesOf(text, "a:00", "b:00")), /several processes called 00/);
    assert.deepEqual(processesOf(text, "a:00", "b:01"), ["12 expected exit status 0"]);
  });

  it("is not believed where it has two starts and no end between them", () => {
    const text = log("INFO spawned: 'w' with pid 12", "INFO spawned: 'w' with pid 13");
    assert.match(String(processesOf(text, "w")), /two starts of w and no end/);
  });

  it("takes names as they are, whatever is in them", () => {
    const name = "we$ird'q (x)";
    const text = log(`INFO spawned: '${name}' with pid 12`, `INFO exited: ${name} (exit status 0; expected)`);
    assert.deepEqual(processesOf(text, name), ["12 expected exit status 0"]);
    assert.deepEqual(processesOf(text, "we$ird'q"), []);
  });

  it("is not what a process prints into it: that has no time and no level before it", () => {
    const text = { ...log(), text: `${log("DEBG 'w' stdout output:").text}exited: w (exit status 0; expected)\n` };
    assert.deepEqual(processesOf(text, "w"), []);
  });

  it("is unknown where it cannot be read, with the reason", () => {
    const history = historiesOf({ kind: "none", why: "no log file" }, ["w" as InstanceName]).get("w" as InstanceName);
    assert.deepEqual(history, {
      kind: "unread",
      reason: "no log file (it may be syslog, or supervisord's own output)",
    });
    const lost = historiesOf({ kind: "unreadable", why: "no route", isLost: true }, ["w" as InstanceName]);
    assert.deepEqual([...lost.values()], [{ kind: "lost", reason: "no route" }]);
  });
});
