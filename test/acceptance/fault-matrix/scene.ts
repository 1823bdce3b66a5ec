import { writeFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type FleetHost, type FleetOptions } from "../../fleet/fleet.ts";
import { until } from "../../fleet/until.ts";
import { orchestrate, quickTimings, startOrchestrate, writePlan, type Ended, type Running } from "../orchestrate.ts";

/** What an operator did and what came of it. */
export interface Seen {
  readonly ended: Ended;
  /** What they did next, as they would say it, and what came of that. */
  readonly then?: { readonly what: string; readonly ended: Ended };
  /** Something that was measured besides. */
  readonly note?: string;
}

/** One row of the matrix. */
export interface Fault {
  readonly fault: string;
  /** Part of every `npm test`; the others have their turn with ORCHESTRATE_TESTS=full. */
  readonly isSampled?: true;
  /** Restarts that supervisord counts at the end: of each instance one, of none, or of some. */
  readonly restarts: "each once" | "none" | "some once";
  /** Instances that failed while they ran, and that the resume has restarted once more. */
  readonly restartedAgain?: number;
  /** Instances that are not RUNNING in the end, because that is the fault. */
  readonly broken?: number;
  happen(scene: Scene): Promise<Seen>;
}

/** Faults that befall one fleet, one after the other: each leaves it as it was. */
export interface FaultSet {
  readonly fleet: FleetOptions;
  /** They have nothing to do with ssh: in full they happen with `connection: local` as well, and the same is told. */
  readonly alsoLocal?: true;
  readonly faults: readonly Fault[];
}

/** Of its log: what supervisord stops when it ends itself. */
const OWN_END = /received SIG\w+ indicating exit request[^]*?(?=supervisord started with pid|$)/g;

/** Waits that make a fault end soon, where it ends by a deadline. */
export const impatient = { ...quickTimings, stop_deadline: "5s", healthy_deadline: "5s" };

/** A fleet to which something happens, with what supervisord knows of it. */
export class Scene {
  readonly fleet: Fleet;
  private plans = 0;
  /** How often each instance had been stopped when the scene began. */
  private before: ReadonlyMap<string, number> = new Map();

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  static async raise(options: FleetOptions): Promise<Scene> {
    return new Scene(await raiseFleet(options));
  }

  get first(): FleetHost {
    return this.fleet.hosts[0]!;
  }

  /** A plan with a file of its own, so that it has no rollout before it. */
  plan(keys: Record<string, unknown> = {}): Promise<string> {
    return writePlan(this.fleet, keys, `plan-${++this.plans}`);
  }

  /** The `hosts:` of a plan, with something else for the first of them. */
  hostsWithFirst(keys: Record<string, unknown>): Record<string, unknown> {
    const hosts = this.fleet.planHosts();
    return { ...hosts, [this.first.name]: { ...hosts[this.first.name], ...keys } };
  }

  /** Likewise, with one more host. */
  hostsWith(name: string, host: Record<string, unknown>): Record<string, unknown> {
    return { ...this.fleet.planHosts(), [name]: host };
  }

  /** Runs a plan to its end. */
  async run(keys: Record<string, unknown> = {}, ...args: string[]): Promise<Seen> {
    return { ended: await orchestrate(await this.plan(keys), "--output", "json", ...args) };
  }

  /** Runs a plan while something is wrong, which is put right afterwards. */
  async runWhile(
    wrong: () => Promise<unknown>,
    mend: () => Promise<unknown>,
    keys: Record<string, unknown> = {},
  ): Promise<Seen> {
    await wrong();
    try {
      return await this.run(keys);
    } finally {
      await mend();
    }
  }

  /** A rollout that is in the middle of the first restart, until `goOn` lets the instance stop. */
  async inRestart(
    keys: Record<string, unknown> = {},
  ): Promise<{ plan: string; running: Running; goOn: () => Promise<void> }> {
    const { first } = this;
    const instance = "web:web_00";
    await first.restartAs(instance, { kind: "held_stop" });
    await first.behave(instance, { kind: "healthy" });
    await this.begin();
    const plan = await this.plan(keys);
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(async () => (await first.process(instance)).state === "STOPPING", { deadlineMs: 60_000 });
    return { plan, running, goOn: () => first.letStop(instance) };
  }

  /** Goes on with a rollout, as the operator would once the fault is gone. */
  async resume(plan: string): Promise<NonNullable<Seen["then"]>> {
    const args = ["--resume", "--wait-for-lock", "1m"];
    return { what: "`--resume`", ended: await orchestrate(plan, "--output", "json", ...args) };
  }

  /** What a login shell reads before any command on a host. */
  async withProfile<T>(text: string, use: () => Promise<T>): Promise<T> {
    const files = this.fleet.hosts.map(({ dir }) => join(dir, ".bashrc"));
    await Promise.all(files.map((file) => writeFile(file, text)));
    try {
      return await use();
    } finally {
      await Promise.all(files.map((file) => rm(file)));
    }
  }

  /** From now on restarts are counted. */
  async begin(): Promise<void> {
    this.before = await this.stops();
  }

  /** How often supervisord stopped each instance since the scene began. */
  async restarts(): Promise<number[]> {
    return [...(await this.stops())].map(([name, stops]) => stops - (this.before.get(name) ?? 0));
  }

  async notRunning(): Promise<number> {
    const processes = (await Promise.all(this.fleet.hosts.map((host) => host.processes()))).flat();
    return processes.filter(({ state }) => state !== "RUNNING").length;
  }

  /** By supervisord's own log; killed with its sshd or not, it is the same file. */
  private async stops(): Promise<ReadonlyMap<string, number>> {
    const stops = new Map<string, number>();
    for (const host of this.fleet.hosts) {
      const log = (await host.supervisordLog()).replace(OWN_END, "");
      // A listener has no part in a rollout.
      for (const { instance, name } of (await host.processes()).filter(({ group }) => group !== "quit"))
        stops.set(`${host.name} ${instance}`, log.split(`stopped: ${name} (`).length - 1);
    }
    return stops;
  }
}
