import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../../src/domain/events.ts";
import type { Behaviour } from "../fleet/behaviour.ts";
import { itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, quickTimings, writePlan, type Ended } from "./orchestrate.ts";

const HOSTS = ["host-1", "host-2"];
const WORKERS = ["worker:worker_00", "worker:worker_01"];

type Of<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { type: Type }>;

function only<Type extends RecordedEvent["type"]>(ended: Ended, type: Type): Of<Type>[] {
  return eventsOf(ended).filter((event): event is Of<Type> => event.type === type);
}

describe("workers that exit by design, on real hosts", () => {
  let fleet: Fleet;
  before(async () => {
    const groups = [
      { name: "worker", processes: 2, extraLines: ["autorestart=true"] },
      { name: "consume", processes: 1, bare: true, startsecs: 0, extraLines: ["autorestart=true"] },
    ];
    fleet = await raiseFleet({ hosts: 2, groups });
  });
  after(() => fleet.down());

  /** From now on all instances of a program do that, those that run now as well. */
  async function behave(behaviour: Behaviour, instances: readonly string[] = WORKERS): Promise<void> {
    for (const name of HOSTS)
      for (const instance of instances) {
        const host = fleet.host(name);
        await host.behave(instance, behaviour);
        await host.stop(instance).catch(() => undefined);
        await host.start(instance).catch(() => undefined);
      }
  }

  const canary = {
    groups: { canary: { hosts: "host-1" }, rest: { hosts: "host-2" } },
    rollout: [{ group: "canary", pause: "12s" }, { group: "rest" }],
  };

  const planOf = (keys: Record<string, unknown>, name: string) =>
    writePlan(
      fleet,
      {
        programs: "worker",
        timings: { ...quickTimings, between_checks: "300ms", min_healthy_time: "1500ms", progress_deadline: "30s" },
        ...canary,
        ...keys,
      },
      name,
    );

  it("are neither flapping nor regressed nor drift, and count for the floor, where the plan accepts that", async () => {
    await behave({ kind: "exit_after", seconds: 4 });
    const exits = await exitsOf("worker_0");
    const plan = await planOf({ on_expected_exit: "accept", limits: { min_healthy: 3 } }, "accepted");
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(only(ended, "instance.healthy").length, 4);
    assert.deepEqual([...only(ended, "instance.failed"), ...only(ended, "instance.drifted")], []);
    assert.ok((await exitsOf("worker_0")) - exits >= 8, "they have hardly exited");
  });

  it("are failures by default, whose remedy names the key", async () => {
    await behave({ kind: "exit_after", seconds: 4 });
    const ended = await orchestrate(await planOf({}, "by-default"), "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const [failed] = only(ended, "instance.failed");
    assert.equal(failed?.code, "regressed");
    assert.equal(failed.expected_exit, "exit status 0");
    const report = await orchestrate("report", failed.rollout);
    assert.match(report.stdout, /expected \(exit status 0\): if it exits by design, set on_expected_exit: accept\./);
  });

  itInFull("are RUNNING at once with startsecs=0, and likewise accepted", async () => {
    await behave({ kind: "exit_after", seconds: 3 }, ["consume"]);
    const plan = await planOf({ programs: "consume", on_expected_exit: "accept" }, "without-startsecs");
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(only(ended, "instance.healthy").length, 2);
  });

  itInFull("still flap where they exit with 0 two seconds after every start", async () => {
    await behave({ kind: "exit_after", seconds: 2 });
    const timings = { ...quickTimings, min_healthy_time: "4s" };
    const ended = await orchestrate(
      await planOf({ on_expected_exit: "accept", timings }, "too-often"),
      "--output",
      "json",
    );
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    assert.equal(only(ended, "instance.failed")[0]?.code, "flapping");
  });

  itInFull("are failures where they exit otherwise", async () => {
    await behave({ kind: "crash_after", seconds: 4 });
    const ended = await orchestrate(await planOf({ on_expected_exit: "accept" }, "crashing"), "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const [failed] = only(ended, "instance.failed");
    assert.equal(failed?.code, "regressed");
    assert.match(failed.reason, /did not exit as expected: exit status 1$/);
  });

  itInFull("are failures where supervisord's log cannot be read, and the preview says so", async () => {
    await behave({ kind: "exit_after", seconds: 4 });
    const command = join(fleet.dir, "supervisorctl-without-a-log");
    const script = [
      "#!/bin/sh",
      // One that reads its commands would read them past this script.
      '[ "$#" -gt 2 ] || exit 1',
      'case "$*" in *maintail*) echo "supervisord: ERROR (no log file)"; exit 1 ;; esac',
      'exec supervisorctl "$@"',
    ].join("\n");
    await writeFile(command, script, { mode: 0o755 });
    const hosts = Object.fromEntries(
      Object.entries(fleet.planHosts()).map(([name, host]) => [
        name,
        { ...host, supervisor: { ...host.supervisor, command } },
      ]),
    );
    const plan = await planOf({ on_expected_exit: "accept", hosts }, "without-a-log");
    const preview = await orchestrate(plan, "--dry-run");
    assert.match(
      preview.stdout,
      /host-\[1-2\] worker:worker_\[00-01\]: each of its exits counts as a failure: .*no log file/,
    );
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    assert.match(
      only(ended, "instance.failed")[0]?.reason ?? "",
      /supervisord's log does not say how it ended: no log file /,
    );
  });

  async function exitsOf(process: string): Promise<number> {
    const logs = await Promise.all(fleet.hosts.map((host) => host.supervisordLog()));
    return logs.join("").split(`exited: ${process}`).length - 1;
  }
});

describe("what had ended before a rollout and is run again, on a real host", () => {
  let fleet: Fleet;
  before(async () => {
    const extraLines = ["command=/bin/sh -c 'sleep 0.3; exit $(cat %(ENV_FLEET_HOST_DIR)s/ends-with || echo 0)'"];
    const migrate = { name: "migrate", processes: 1, bare: true, startsecs: 0, endsByItself: true as const };
    const lines = [...extraLines, "autorestart=false", "stopasgroup=true"];
    fleet = await raiseFleet({ hosts: 1, groups: [{ ...migrate, extraLines: lines }] });
  });
  after(() => fleet.down());

  // It ends long before it could be proven to run on.
  const keys = { programs: "migrate", exited: "restart", timings: { ...quickTimings, min_healthy_time: "5s" } };

  it("has succeeded once it ends as expected, and a resume leaves it alone", async () => {
    const plan = await writePlan(fleet, keys);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const [healthy] = only(ended, "instance.healthy");
    assert.deepEqual([healthy?.completed, healthy?.pid], [true, undefined]);
    const lines = await orchestrate("report", healthy?.rollout ?? "");
    assert.match(lines.stdout, /^succeeded: .* 1 healthy, 0 failed$/m);
  });

  itInFull("has failed where it ends otherwise", async () => {
    await writeFile(join(fleet.host("host-1").dir, "ends-with"), "3");
    const plan = await writePlan(fleet, keys);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const [failed] = only(ended, "instance.failed");
    assert.equal(failed?.code, "exited");
    assert.match(failed.reason, /supervisord's log calls its end unexpected: exit status 3$/);
  });
});
