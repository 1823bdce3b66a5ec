import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";
import type { HostAccess, LookWay, SupervisorReader } from "../../src/executor/ports.ts";
import { until } from "../fleet/until.ts";
import { ODD_INSTANCES, type StatesHost } from "./states-host.ts";

export interface OpenedReader {
  readonly reader: SupervisorReader;
  readonly cleanup: () => Promise<void>;
}

const STILL = 60_000;

/**
 * What every way to look promises, so that it makes no difference which one a host allows.
 *
 * @param kind the way that the reader is to take
 * @param open gives a reader that nobody has used yet
 */
export function looksContract(
  name: string,
  kind: LookWay["kind"],
  on: () => StatesHost,
  open: () => Promise<OpenedReader>,
): void {
  describe(`looks by ${name}`, () => {
    let opened: OpenedReader;
    before(async () => {
      opened = await open();
    });
    after(() => opened.cleanup());

    const seen = async () => {
      const look = await opened.reader.look();
      assert.equal(opened.reader.way()?.kind, kind, JSON.stringify([look, opened.reader.way()]));
      assert.ok(look.kind === "seen");
      return look.snapshots;
    };
    const logOf = (instance: string) => opened.reader.tailLog(instance as InstanceName, () => undefined);
    const one = async (instance: string) => (await seen()).find((each) => each.instance === instance);

    it("shows every instance by the name that supervisorctl gives it, as people count", async () => {
      assert.deepEqual(
        (await seen()).map(({ instance }) => instance),
        on().names,
      );
    });

    it("shows what runs with the pid and the whole seconds that supervisord knows", async () => {
      for (const instance of ["bare", "web:web_2", "web:web_10", ...ODD_INSTANCES]) {
        const before = await on().truth(instance);
        const snapshot = await one(instance);
        const after = await on().truth(instance);
        assert.ok(snapshot?.uptime_s !== undefined, instance);
        assert.deepEqual({ ...snapshot, uptime_s: 0 }, { instance, state: "RUNNING", pid: before.pid, uptime_s: 0 });
        assert.ok(snapshot.uptime_s >= before.now - before.start && snapshot.uptime_s <= after.now - after.start);
      }
    });

    const settled: readonly [string, Partial<ProcessSnapshot>][] = [
      ["never", { state: "STOPPED", description: "Not started" }],
      ["fatal", { state: "FATAL", description: "Exited too quickly (process log may have details)" }],
      ["starting", { state: "STARTING" }],
      ["stopping", { state: "STOPPING" }],
      ["gone", { state: "FATAL", description: "can't find command '/no/such/file'" }],
    ];
    for (const [instance, expected] of settled)
      it(`shows ${expected.state} of ${instance}, and no pid with it`, async () => {
        assert.deepEqual(await one(instance), { instance, ...expected });
      });

    it("shows BACKOFF with its reason", async () => {
      const snapshot = await until(
        async () => {
          const each = await one("backoff");
          return each?.state === "BACKOFF" ? each : undefined;
        },
        { deadlineMs: STILL, what: "backoff is BACKOFF" },
      );
      assert.equal(snapshot?.description, "Exited too quickly (process log may have details)");
      assert.equal(snapshot.pid, undefined);
    });

    it("shows EXITED and a later STOPPED with the time of their end", async () => {
      for (const [instance, state] of [
        ["exited", "EXITED"],
        ["stopped", "STOPPED"],
      ] as const) {
        const snapshot = await one(instance);
        assert.equal(snapshot?.state, state);
        assert.match(snapshot.description ?? "", /^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$/);
      }
    });

    it("reads the end of a log, whatever is in it", async () => {
      const hostile = [
        "supervisor> *** Unknown syntax: _mark7_",
        "supervisor> web:web_00   RUNNING   pid 1, uptime 0:00:01",
        "</string></value> <b>&amp; ]]>",
        "Server requires authentication",
        "naïve ✓ \u{1f600}",
      ].join("\n");
      // Of `*` supervisord itself reads none by its full name.
      for (const odd of ODD_INSTANCES.filter((each) => each !== "*")) {
        await writeFile(on().log(odd), `${"x".repeat(5000)}\n${hostile}\n`);
        const { text, log } = await logOf(odd);
        assert.equal(log, "stderr");
        assert.ok(text.startsWith("xxx") && text.endsWith(hostile), text);
        assert.ok(Buffer.byteLength(text) <= 4000);
      }
    });

    it("reads a log with colours, or says why that cannot be read this way", async () => {
      await writeFile(on().log("odd:é"), "all is \u001b[31mred\u001b[0m\n");
      const { text } = await logOf("odd:é");
      if (kind === "xml-rpc") assert.equal(text, "all is \u001b[31mred\u001b[0m");
      else assert.match(text, /^\(its stderr log could not be read: supervisorctl cannot print it: .*colour/);
    });

    it("reads a log with colours from its file, where the configuration tells where that is", async () => {
      await writeFile(on().log("odd:é"), "all is \u001b[31mred\u001b[0m\n");
      const { instances } = await opened.reader.config(["odd:é" as InstanceName]);
      const isKnown = instances.get("odd:é" as InstanceName)?.stderr_logfile !== undefined;
      const { log } = await logOf("odd:é");
      assert.equal(log, isKnown || kind === "xml-rpc" ? "stderr" : undefined);
    });

    it("reads a log whose end begins in the middle of a character", async () => {
      // Behind the text: what is cut off is counted from the end.
      for (let shift = 0; shift < 4; shift++) {
        await writeFile(on().log("odd:é"), `${"\u{1f600}".repeat(2000)}${"a".repeat(shift)}\n`);
        assert.match((await logOf("odd:é")).text, /^\u{1f600}{900,1000}a{0,3}$/u);
      }
    });

    it("says of logs that there are none, or nothing in them", async () => {
      await writeFile(on().log("odd:-x"), "");
      const nothing = async (instance: string) => {
        const { text, ...log } = await logOf(instance);
        assert.deepEqual(log, {});
        return text;
      };
      assert.equal(await nothing("odd:-x"), "(its stderr log is empty; its stdout log is empty)");
      assert.equal(await nothing("never"), "(Supervisor keeps no stderr log of it; its stdout log is empty)");
      assert.equal(await nothing("no:such"), "(Supervisor no longer lists it)");
    });

    it("reads in supervisord's own log which process each instance has, and how the ones before have ended", async () => {
      const names = on().names as readonly InstanceName[];
      const histories = await opened.reader.histories(names);
      assert.deepEqual([...histories.keys()], names);
      const historyOf = (instance: string) => {
        const history = histories.get(instance as InstanceName);
        assert.ok(history?.kind === "read", `${instance}: ${JSON.stringify(history)}`);
        return history.processes;
      };
      for (const instance of ["bare", "web:web_2", "web:web_10"]) {
        const { pid } = await on().truth(instance);
        const last = historyOf(instance).at(-1);
        assert.deepEqual([last?.pid, last?.end], [pid, undefined], instance);
      }
      assert.deepEqual(
        [historyOf("exited").at(-1)?.end, historyOf("exited").at(-1)?.how],
        ["expected", "exit status 0"],
      );
      assert.equal(historyOf("stopped").at(-1)?.end, "stopped");
      assert.equal(historyOf("fatal").at(-1)?.end, "unexpected");
      assert.deepEqual(historyOf("never"), []);
    });

    it("knows the pid of supervisord", async () => {
      const known = await opened.reader.supervisorPid();
      assert.ok(known.kind === "known" && known.pid === on().daemon.pid);
      const { pid: child } = await on().truth("bare");
      assert.ok(known.children?.includes(child), "what it runs shows that it is its pid");
    });

    it("comes with the pid of the supervisord that has answered, once that is known", async () => {
      await opened.reader.supervisorPid();
      const look = await opened.reader.look();
      assert.equal(look.kind === "seen" && look.supervisorPid, on().daemon.pid);
    });

    it("keeps questions that come at once apart", async () => {
      await writeFile(on().log("odd:é"), "the log of é\n");
      const [log, look, pid] = await Promise.all([logOf("odd:é"), opened.reader.look(), opened.reader.supervisorPid()]);
      assert.equal(log.text, "the log of é");
      assert.ok(look.kind === "seen" && look.snapshots.length === on().names.length);
      assert.equal(pid.kind === "known" && pid.pid, on().daemon.pid);
    });

    it("gives all who ask at once one answer, and none that is older than the question", async () => {
      const looks = [opened.reader.look(), opened.reader.look(), opened.reader.look()];
      assert.equal(looks[1], looks[2]);
      assert.notEqual(looks[0], looks[1]);
      await Promise.all(looks);
    });
  });
}

/** A way onto a host that is without some of its doors. */
export function without(access: HostAccess, ...doors: readonly ("spawn" | "dial")[]): HostAccess {
  const shut = () => Promise.resolve({ kind: "failed", reason: "this door is shut" } as const);
  return {
    host: access.host,
    connect: () => access.connect(),
    close: () => access.close(),
    run: (argv, options) => access.run(argv, options),
    spawn: doors.includes("spawn") ? shut : (argv) => access.spawn(argv),
    dial: doors.includes("dial") ? shut : (to) => access.dial(to),
  };
}
