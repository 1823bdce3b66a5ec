import type { HostName, InstanceName, ProgramName, RolloutId } from "../../../src/domain/ids.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { takeLocks } from "../../../src/executor/locks.ts";
import type { HostLock } from "../../../src/executor/ports.ts";
import { createHostLock } from "../../../src/state/host-lock.ts";
import { SeededRandom } from "../random.ts";
import { VirtualTime } from "../virtual-time.ts";
import { LockAccess, LockHost } from "./lock-host.ts";
import { withVirtualTimers } from "./virtual-timers.ts";

/** A rollout waits for so long for what others have locked. */
const PATIENCE_MS = 300_000;
const TRY_EVERY_MS = 1000;
/** After this what has been released must be free, whatever was lost before. */
const FREE_AFTER_MS = 120_000;

/**
 * Several rollouts that want the locks of the same hosts, over connections that are lost: by the real locks, in virtual
 * time. Returns what was promised and not kept: a rollout that waits is never in its own way, what runs under a lock
 * runs under nobody else's, and what is let go of is free.
 */
export function judgeLocks(seed: number): Promise<string[]> {
  const time = new VirtualTime();
  return withVirtualTimers(time, async () => {
    const random = new SeededRandom(seed + 3_000_000);
    const violations: string[] = [];
    const fail = (what: string) => void violations.push(`${(time.now / 1000).toFixed(1)} s: ${what}`);
    const hosts = Array.from(
      { length: random.whole(1, 3) },
      (_, index) => new LockHost(`host-${index + 1}` as HostName),
    );
    const rollouts = Array.from(
      { length: random.whole(2, 3) },
      (_, index) => new Waiting(index, hosts, time, random, fail),
    );
    await time.until(Promise.all(rollouts.map((rollout) => rollout.run())));
    const untilMs = time.now + FREE_AFTER_MS;
    time.at(untilMs, () => undefined);
    await time.play(() => time.now >= untilMs);
    for (const { name, locks, holders } of hosts) {
      if (locks.size > 0) fail(`${name} is still locked after all have let go`);
      if (holders.size > 0) fail(`${holders.size} holders were left behind on ${name}`);
    }
    return violations;
  });
}

class Waiting {
  private readonly rollout: RolloutId;
  private readonly hosts: readonly LockHost[];
  private readonly time: VirtualTime;
  private readonly random: SeededRandom;
  private readonly fail: (what: string) => void;
  private readonly accesses = new Map<HostName, LockAccess>();
  private readonly locks = new Map<HostName, HostLock>();

  constructor(
    index: number,
    hosts: readonly LockHost[],
    time: VirtualTime,
    random: SeededRandom,
    fail: (what: string) => void,
  ) {
    this.rollout = `20261123T00000${index}Z-0000` as RolloutId;
    this.hosts = hosts;
    this.time = time;
    this.random = random;
    this.fail = fail;
    for (const host of hosts) {
      const access = new LockAccess(host, time, { random, fail });
      this.accesses.set(host.name, access);
      this.locks.set(
        host.name,
        createHostLock(access.access, {
          directory: "/tmp",
          words: "simulated",
          isOfAccount: false,
          mayBeElsewhere: false,
          supervisorPid: () => this.after(1, 300, () => ({ kind: "known", pid: 7 }) as const),
          owner: { ...this.owner, host: host.name },
        }),
      );
    }
  }

  /** Takes all locks, works under them, lets go; its connections are lost now and then. */
  async run(): Promise<void> {
    await this.after(0, 3000, () => undefined);
    const troubles = { areOver: false };
    this.plague(troubles);
    if (await this.take()) await this.work();
    troubles.areOver = true;
    await Promise.all([...this.locks.values()].map((lock) => lock.release()));
  }

  private async take(): Promise<boolean> {
    const fleet = new Map([...this.locks].map(([host, lock]) => [host, { lock }]));
    const untilMs = this.time.now + PATIENCE_MS;
    for (;;) {
      const refusal = await takeLocks(fleet, this.plan(), this.owner);
      if (!refusal) return true;
      if (refusal.code === "two_names") this.fail(`${this.rollout} is in its own way: ${refusal.reason}`);
      if (this.time.now >= untilMs) return false;
      await this.after(TRY_EVERY_MS, TRY_EVERY_MS, () => undefined);
    }
  }

  private async work(): Promise<void> {
    for (let left = this.random.whole(1, 4); left > 0; left--) {
      const host = this.random.pick(this.hosts);
      const outcome = await this.locks.get(host.name)?.run(["true"]);
      if (outcome?.kind === "lock_lost") return;
    }
  }

  private plague(troubles: { readonly areOver: boolean }): void {
    this.time.after(this.random.whole(10, 10_000), () => {
      if (troubles.areOver) return;
      this.accesses.get(this.random.pick(this.hosts).name)?.lose();
      this.plague(troubles);
    });
  }

  private plan(): Rollout {
    const works = this.hosts.map(({ name: host }) => ({
      host,
      batches: [{ instances: [{ instance: "web:0" as InstanceName, program: "web" as ProgramName }] }],
    }));
    const plan = { lock: { mode: "required" }, waves: [{ batches: [{ hosts: works }] }] };
    return plan as unknown as Rollout;
  }

  private get owner() {
    return { rollout: this.rollout, who: "the simulator", since: new Date(Date.now()).toISOString() };
  }

  private after<T>(leastMs: number, mostMs: number, find: () => T): Promise<T> {
    return new Promise((resolve) => this.time.after(this.random.whole(leastMs, mostMs), () => resolve(find())));
  }
}
