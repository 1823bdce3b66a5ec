import { Duplex } from "node:stream";
import type { HostName } from "../../../src/domain/ids.ts";
import type { Argv, HostAccess, SpawnedProcess, SpawnOutcome } from "../../../src/executor/ports.ts";
import type { SeededRandom } from "../random.ts";
import type { VirtualTime } from "../virtual-time.ts";

/** Where the arguments of the holder's script stand behind `sh -c SCRIPT NAME`. */
const TOKEN = 4;
const SILENCE_S = 5;
const GROUPS = 13;

/** A host on which processes hold locks: the kernel frees those of a process with its end, however that comes. */
export class LockHost {
  readonly name: HostName;
  /** Who has the lock of a group. */
  readonly locks = new Map<string, SimHolder>();
  readonly holders = new Set<SimHolder>();
  private nextPid = 100;

  constructor(name: HostName) {
    this.name = name;
  }

  pid(): number {
    return this.nextPid++;
  }
}

/** What breaks between a controller and a host, and how long everything takes. */
export interface LockWay {
  readonly random: SeededRandom;
  /** Called with what the product must never do. */
  readonly fail: (what: string) => void;
}

/** One controller's way onto a host: its connection is lost now and then, and is there again for the next command. */
export class LockAccess {
  private readonly host: LockHost;
  private readonly time: VirtualTime;
  private readonly way: LockWay;
  private readonly holders = new Set<SimHolder>();

  constructor(host: LockHost, time: VirtualTime, way: LockWay) {
    this.host = host;
    this.time = time;
    this.way = way;
  }

  /** What a lock uses of it. */
  get access(): HostAccess {
    const used: Pick<HostAccess, "host" | "spawn"> = { host: this.host.name, spawn: (argv) => this.spawn(argv) };
    return used as HostAccess;
  }

  /** Its connection is gone. The host may take a while to notice. */
  lose(): void {
    for (const holder of this.holders) holder.lose(this.way.random.whole(0, this.way.random.pick([10, 20_000])));
    this.holders.clear();
  }

  private spawn(argv: Argv): Promise<SpawnOutcome> {
    const { host, time, way } = this;
    return new Promise((resolve) =>
      time.after(way.random.whole(1, way.random.pick([200, 5000])), () => {
        if (way.random.chance(0.05)) {
          resolve({ kind: "failed", reason: "the connection was refused" });
          return;
        }
        const holder = new SimHolder(host, time, way, argv, this);
        this.holders.add(holder);
        host.holders.add(holder);
        resolve({ kind: "spawned", process: holder.process });
      }),
    );
  }
}

/** As HOLDER_SCRIPT does it, with what a shell would do left out. */
export class SimHolder {
  readonly process: SpawnedProcess;
  record = "";
  private readonly host: LockHost;
  private readonly time: VirtualTime;
  private readonly way: LockWay;
  private readonly access: LockAccess;
  private readonly token: string;
  private readonly groups: readonly string[];
  private readonly silenceMs: number;
  private readonly pid: number;
  private readonly stream: Duplex;
  private holds = false;
  private running = 0;
  private isEnding = false;
  private silence: { cancel(): void } | undefined;
  private close!: () => void;
  /** The controller is no longer connected. */
  private isLost = false;

  /** @param access the controller that has started it */
  constructor(host: LockHost, time: VirtualTime, way: LockWay, argv: Argv, access: LockAccess) {
    this.host = host;
    this.time = time;
    this.way = way;
    this.access = access;
    this.token = argv[TOKEN] ?? "";
    this.silenceMs = Number(argv[SILENCE_S]) * 1000;
    this.groups = (argv[GROUPS] ?? "").split(" ").filter((group) => group !== "");
    this.pid = host.pid();
    this.stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        for (const line of chunk.toString("utf8").split("\n")) if (line !== "") this.hear(line);
        done();
      },
      final: (done) => {
        this.soon(() => this.end());
        done();
      },
    });
    const closed = new Promise<void>((resolve) => (this.close = resolve));
    this.process = { stream: this.stream, closed, stderr: () => "" };
    this.listen();
  }

  /** Its controller can still talk to it, and has not let go of it. */
  get isKept(): boolean {
    return !this.isLost && !this.isEnding && !this.stream.writableEnded;
  }

  /** The connection is lost: its controller knows at once, it itself later. */
  lose(noticedAfterMs: number): void {
    if (this.isLost) return;
    this.isLost = true;
    this.close();
    this.time.after(noticedAfterMs, () => this.end());
  }

  private hear(line: string): void {
    const { isLost } = this;
    this.soon(() => {
      if (isLost || this.isEnding) return;
      this.listen();
      const [word = "", id = ""] = line.split(" ");
      if (word === "beat") this.say("beat");
      else if (word === "take") this.take(line.slice("take ".length));
      else if (word === "run") this.run(id);
    });
  }

  private listen(): void {
    this.silence?.cancel();
    this.silence = this.time.after(this.silenceMs, () => {
      this.say("silent");
      this.end();
    });
  }

  private take(record: string): void {
    const other = this.groups.find((group) => this.host.locks.has(group));
    if (other !== undefined) {
      const holder = this.host.locks.get(other);
      if (holder?.access === this.access && holder.isKept && !this.isLost)
        this.way.fail(
          `a rollout is in its own way on ${this.host.name}: it asks for what it holds by another connection`,
        );
      const known = holder ? Buffer.from(`${holder.pid} ${holder.record}\n`).toString("hex") : "";
      this.say(`locked ${other} ${known}`);
      return;
    }
    for (const group of this.groups) this.host.locks.set(group, this);
    this.record = record;
    this.holds = true;
    this.say("held simulated");
  }

  private run(id: string): void {
    if (!this.holds) this.way.fail(`${this.host.name}: a command was sent to a holder that holds nothing`);
    this.running++;
    this.time.after(this.way.random.whole(1, this.way.random.pick([500, 20_000])), () => {
      this.running--;
      this.say(`done ${id} ${Buffer.from("done|0").toString("hex")}`);
      if (this.isEnding) this.end();
    });
  }

  /** Not before what it has started has ended. */
  private end(): void {
    this.isEnding = true;
    if (this.running > 0 || !this.host.holders.delete(this)) return;
    this.silence?.cancel();
    for (const [group, holder] of this.host.locks) if (holder === this) this.host.locks.delete(group);
    this.holds = false;
    this.soon(() => this.close());
  }

  private say(answer: string): void {
    this.soon(() => {
      if (!this.isLost) this.stream.push(`\n${this.token} ${answer}\n`);
    });
  }

  private soon(act: () => void): void {
    this.time.after(this.way.random.whole(1, this.way.random.pick([20, 20, 2000])), act);
  }
}
