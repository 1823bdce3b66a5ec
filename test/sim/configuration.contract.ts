import assert from "node:assert/strict";
import type { Change } from "../../src/domain/action.ts";
import type { RereadOutcome } from "../../src/domain/fleet.ts";
import { programOf, type InstanceName, type ProgramName } from "../../src/domain/ids.ts";
import type { ChangeOutcome, LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessSnapshot } from "../../src/domain/process-state.ts";

/** A group as a configuration has it: `web:web_00`, `web:web_01`… */
export interface ConfiguredGroup {
  readonly name: string;
  readonly processes: number;
  /** Default true. */
  readonly autostart?: boolean;
  /** Two configurations that differ in nothing else. */
  readonly version?: number;
}

/** What a process does on HUP. */
export type OnSignal = "dies" | "reloads" | "crashes";

/** What a rollout has of a supervisord, and who changes its configuration and its processes. */
export interface ConfiguredHost {
  /** Each a little later than the one before. */
  look(): Promise<LookOutcome>;
  change(change: Change): Promise<ChangeOutcome>;
  reread(): Promise<RereadOutcome>;
  /** Writes a configuration with these groups and no others. */
  configure(groups: readonly ConfiguredGroup[]): Promise<void>;
  /** Writes one that cannot be read. */
  break(): Promise<void>;
  /** What an update does to a group whose client is killed then. */
  updateHalfWay(group: ProgramName, end: "stopped" | "removed"): Promise<void>;
  /** From its next start on; `crashes` is heeded by one that runs and reloads. */
  onSignal(instance: InstanceName, what: OnSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a configured host has at first, all of it RUNNING. */
export const FIRST: readonly ConfiguredGroup[] = [
  { name: "grow", processes: 2 },
  { name: "shrink", processes: 3 },
  { name: "other", processes: 2 },
  { name: "half", processes: 2 },
  { name: "off", processes: 1 },
  { name: "gone", processes: 1 },
  { name: "same", processes: 2 },
  { name: "hup", processes: 3 },
];

const SECOND: readonly ConfiguredGroup[] = [
  { name: "grow", processes: 4 },
  { name: "shrink", processes: 1 },
  { name: "other", processes: 2, version: 1 },
  { name: "half", processes: 3 },
  { name: "off", processes: 2, autostart: false },
  { name: "same", processes: 2 },
  { name: "hup", processes: 3 },
  { name: "fresh", processes: 2 },
];

/** All groups that there ever are: to lock them. */
export const GROUPS = [...new Set([...FIRST, ...SECOND].map(({ name }) => name as ProgramName))];

/** More looks than anything here takes. */
const MOST_LOOKS = 1500;

/**
 * What every supervisord does with a configuration on its disk, and with signals, be it real or simulated.
 *
 * @param open a host with the groups of {@link FIRST}
 */
export function describeConfiguration(name: string, open: () => Promise<ConfiguredHost>): void {
  describe(`${name}, and the configuration on its disk`, () => {
    let host: ConfiguredHost;
    before(async () => (host = await open()));
    after(() => host.close());

    const all = async (): Promise<readonly ProcessSnapshot[]> => {
      const look = await host.look();
      assert.ok(look.kind === "seen", JSON.stringify(look));
      return look.snapshots;
    };
    const of = async (group: string) => (await all()).filter(({ instance }) => programOf(instance) === group);
    const pidsOf = (snapshots: readonly ProcessSnapshot[]) =>
      snapshots.map(({ instance, pid }) => `${instance} ${pid}`);
    const untilRunning = async (group: string, count: number) => {
      for (let looks = 0; looks < MOST_LOOKS; looks++) {
        const processes = await of(group);
        if (processes.length === count && processes.every(({ state }) => state === "RUNNING")) return processes;
      }
      assert.fail(`${group} does not run: ${JSON.stringify(await of(group))}`);
    };
    const update = async (group: string) => {
      const outcome = await host.change({ action: "update", group: group as ProgramName });
      assert.ok(outcome.kind === "returned", JSON.stringify(outcome));
      return outcome.said.replaceAll("\n", "; ");
    };
    /** Nothing but this group is touched meanwhile. */
    const leavingOthers = async (group: string, act: () => Promise<void>) => {
      const others = async () => pidsOf((await all()).filter(({ instance }) => programOf(instance) !== group));
      const before = await others();
      await act();
      assert.deepEqual(await others(), before);
    };
    const changes = async () => {
      const read = await host.reread();
      assert.ok(read.kind === "read", JSON.stringify(read));
      return read;
    };
    const signal = async (instance: string, named = "HUP") => {
      const outcome = await host.change({ action: "signal", signal: named, instance: instance as InstanceName });
      assert.ok(outcome.kind === "returned", JSON.stringify(outcome));
      return outcome;
    };

    it("a reread finds nothing where nothing has changed, and names all instances", async () => {
      const { groups, instances } = await changes();
      assert.deepEqual([...groups], []);
      assert.deepEqual(
        instances.map(({ instance }) => instance),
        (await all()).map(({ instance }) => instance),
      );
    });

    it("a reread names what is changed, new and gone, and nothing that runs is touched", async () => {
      const before = pidsOf(await all());
      await host.configure(SECOND);
      const { groups, instances } = await changes();
      assert.deepEqual(Object.fromEntries(groups), {
        fresh: "available",
        gone: "disappeared",
        grow: "changed",
        half: "changed",
        off: "changed",
        other: "changed",
        shrink: "changed",
      });
      const configured = (group: string) => instances.filter(({ instance }) => programOf(instance) === group);
      assert.deepEqual(
        configured("grow").map(({ instance }) => instance),
        ["grow:grow_00", "grow:grow_01", "grow:grow_02", "grow:grow_03"],
      );
      assert.deepEqual(configured("gone"), []);
      assert.deepEqual(configured("off"), [
        { instance: "off:off_00", autostart: false },
        { instance: "off:off_01", autostart: false },
      ]);
      assert.deepEqual(configured("fresh").length, 2);
      assert.deepEqual(pidsOf(await all()), before);
    });

    it("an update gives a group more processes, all of them new, and touches no other group", () =>
      leavingOthers("grow", async () => {
        const before = pidsOf(await of("grow"));
        assert.equal(await update("grow"), "grow: stopped; grow: updated process group");
        // It does not wait for their start, but none is to be taken for one that nobody starts.
        for (const { state } of await of("grow")) assert.match(state, /STARTING|RUNNING/);
        const after = pidsOf(await untilRunning("grow", 4));
        assert.deepEqual(
          after.filter((one) => before.includes(one)),
          [],
        );
        assert.equal((await changes()).groups.has("grow" as ProgramName), false);
      }));

    it("an update takes processes from a group", () =>
      leavingOthers("shrink", async () => {
        assert.equal(await update("shrink"), "shrink: stopped; shrink: updated process group");
        await untilRunning("shrink", 1);
      }));

    it("an update gives the same processes another command", () =>
      leavingOthers("other", async () => {
        const before = pidsOf(await of("other"));
        await update("other");
        const after = pidsOf(await untilRunning("other", 2));
        assert.notDeepEqual(after, before);
      }));

    it("an update adds a new group", () =>
      leavingOthers("fresh", async () => {
        assert.equal(await update("fresh"), "fresh: added process group");
        await untilRunning("fresh", 2);
      }));

    it("an update to autostart=false leaves it STOPPED: Not started", () =>
      leavingOthers("off", async () => {
        await update("off");
        assert.deepEqual(
          (await of("off")).map(({ state, description }) => `${state} ${description}`),
          ["STOPPED Not started", "STOPPED Not started"],
        );
      }));

    for (const end of ["stopped", "removed"] as const)
      it(`an update that ends when the group is ${end} is found by a reread, and completed by another one`, () =>
        leavingOthers("half", async () => {
          // What the first of these has updated is changed again.
          if (end === "removed")
            await host.configure(SECOND.map((group) => (group.name === "half" ? { ...group, processes: 2 } : group)));
          await host.updateHalfWay("half" as ProgramName, end);
          const states = (await of("half")).map(({ state }) => state);
          assert.deepEqual(states, end === "removed" ? [] : ["STOPPED", "STOPPED"]);
          assert.equal(
            (await changes()).groups.get("half" as ProgramName),
            end === "removed" ? "available" : "changed",
          );
          await update("half");
          await untilRunning("half", end === "removed" ? 2 : 3);
        }));

    it("an update of a group that is as it is configured does nothing", () =>
      leavingOthers("same", async () => {
        const before = pidsOf(await of("same"));
        assert.equal(await update("same"), "");
        assert.deepEqual(pidsOf(await of("same")), before);
      }));

    it("an update of a group that nobody knows is refused", async () => {
      assert.equal(await update("nobody"), "ERROR: no such group: nobody");
    });

    it("a configuration that cannot be read is said to be invalid, and an update then changes nothing", async () => {
      const before = pidsOf(await all());
      await host.break();
      const read = await host.reread();
      assert.equal(read.kind, "invalid");
      assert.match(await update("same"), /CANT_REREAD/);
      assert.deepEqual(pidsOf(await all()), before);
      await host.configure(SECOND);
      assert.equal((await host.reread()).kind, "read");
    });

    it("an update removes a group that is no longer configured", () =>
      leavingOthers("gone", async () => {
        assert.equal(await update("gone"), "gone: stopped; gone: removed process group");
        assert.deepEqual(await of("gone"), []);
      }));

    it("a signal leaves a process that handles it on its pid", async () => {
      await host.onSignal("hup:hup_00" as InstanceName, "reloads");
      await host.change({ action: "restart", instance: "hup:hup_00" as InstanceName });
      const [before] = await untilRunning("hup", 3);
      assert.deepEqual(await signal("hup:hup_00"), { kind: "returned", said: "hup:hup_00: signalled" });
      for (let looks = 0; looks < 20; looks++) {
        const [after] = await of("hup");
        assert.deepEqual([after?.state, after?.pid], ["RUNNING", before?.pid]);
      }
    });

    for (const [what, on, instance] of [
      ["does not handle it", "dies", "hup:hup_01"],
      ["reloads and crashes over it", "crashes", "hup:hup_00"],
    ] as const)
      it(`a signal is the end of a process that ${what}: Supervisor starts another one`, async () => {
        await host.onSignal(instance as InstanceName, on);
        const find = async () => (await of("hup")).find((one) => one.instance === instance);
        const before = await find();
        assert.equal(before?.state, "RUNNING");
        assert.equal((await signal(instance)).isRefused, undefined);
        for (let looks = 0; looks < MOST_LOOKS; looks++) {
          const { state, pid } = (await find())!;
          if (state !== "RUNNING" || pid !== before.pid) return;
        }
        assert.fail("it stays on its pid");
      });

    it("a signal is refused for one that does not run, for one that is not there, and by a name that is none", async () => {
      await host.change({ action: "stop", instance: "hup:hup_02" as InstanceName });
      for (const [instance, named, said] of [
        ["hup:hup_02", "HUP", "hup:hup_02: ERROR (not running)"],
        ["hup:hup_99", "HUP", "hup:hup_99: ERROR (no such process)"],
        ["same:same_00", "NOPE", "same:same_00: ERROR (bad signal name)"],
      ] as const)
        assert.deepEqual(await signal(instance, named), { kind: "returned", said, isRefused: true });
    });

    it("a stop leaves it STOPPED, another one is refused, and neither is `Not started`", async () => {
      const instance = "same:same_00" as InstanceName;
      const stop = async () => {
        const outcome = await host.change({ action: "stop", instance });
        return outcome.kind === "returned" && outcome.said;
      };
      await leavingOthers("same", async () => {
        assert.equal(await stop(), "same:same_00: stopped");
        assert.equal(await stop(), "same:same_00: ERROR (not running)");
        const [stopped, beside] = await of("same");
        assert.deepEqual([stopped?.state, beside?.state], ["STOPPED", "RUNNING"]);
        assert.notEqual(stopped?.description, "Not started");
      });
    });
  });
}
