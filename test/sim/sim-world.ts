import type { Change } from "../../src/domain/action.ts";
import type { Answer, RecordedEvent } from "../../src/domain/events.ts";
import type { HostConfig, RereadOutcome } from "../../src/domain/fleet.ts";
import type { HostName } from "../../src/domain/ids.ts";
import type {
  ChangeOutcome,
  CheckOutcome,
  HookOutcome,
  LockLost,
  LookOutcome,
  AwaitedOutcome,
} from "../../src/domain/outcomes.ts";
import type { Check, Hook, HookName } from "../../src/domain/settings.ts";
import type {
  CheckSubject,
  HookSubject,
  HostConnection,
  Operator,
  RolloutHost,
  World,
} from "../../src/executor/ports.ts";
import type { UpdateEnd } from "./sim-disks.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { instanceConfigOf } from "./sim-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How long one look takes: what an exec of supervisorctl does. */
const LOOK_MS = 150;
/** After this long a look at a supervisord that hangs is given up. */
const LOOK_TIMEOUT_MS = 60_000;
/** How long it takes until a connection that is gone is noticed. */
const KEEPALIVE_MS = 2000;
const HOOK_MS = 200;
/** How long a look at a process table takes. */
const PROCESSES_MS = 50;
/** To connect again and take the lock. */
const QUIET_MS = 300;
const QUIET_RETRY_MS = 5000;

export type SimChange = Change & { readonly host: HostName };

export interface SimCheck extends CheckSubject {
  readonly host: HostName;
  readonly check: Check;
}

export interface SimHook extends HookSubject {
  readonly hook: HookName;
}

export type ChangeFate =
  | { readonly kind: "arrives" }
  /** The connection is known to be gone: nothing is sent. */
  | { readonly kind: "not_sent" }
  /** Sent and never arrived; the loss is noticed after this time. */
  | { readonly kind: "lost_on_the_way"; readonly afterMs: number }
  /**
   * The connection is lost after this time, and the client on the host with it: only the stop is carried out, of an update
   * also the removal if it says so. A signal is sent at once.
   */
  | { readonly kind: "lost_half_way"; readonly afterMs: number; readonly end?: UpdateEnd }
  /** The client of an update is killed on the host, and that is answered at once: it does not say that it was done. */
  | { readonly kind: "cut_short"; readonly end: UpdateEnd }
  /** It is carried out, but the connection is lost after this time, before its answer. */
  | { readonly kind: "lost_under_way"; readonly afterMs: number }
  /** It is carried out and answered, and then the host cannot be reached for so long. */
  | { readonly kind: "lost_after"; readonly forMs: number };

/** What happens between a controller and its fleet; where it says nothing, all goes well. */
export interface WorldOptions {
  /** What a check finds; default: whether it serves. */
  readonly onCheck?: (check: SimCheck) => CheckOutcome;
  /** How a hook ends, and after how long. */
  readonly onHook?: (hook: SimHook) => HookOutcome & { readonly afterMs?: number };
  /** What becomes of a restart on its way. */
  readonly onChange?: (change: SimChange) => ChangeFate;
  /** What is found out about a lost restart once it can no longer act. */
  readonly onAwaitOutcome?: () => AwaitedOutcome;
  /** What the operator does about a failure, and after how long; left out: there is no operator. Undefined: nothing. */
  readonly onQuestion?: (
    answers: readonly Answer[],
  ) => { readonly answer: Answer; readonly afterMs: number } | undefined;
  /** What the operator says after a wave: whether it continues; default: it does. */
  readonly onPause?: () => boolean;
  /** How long the next look takes. */
  readonly lookMs?: () => number;
}

/** The parts of a host that planner and executor use. */
type Parts = Pick<RolloutHost, "checker" | "changes" | "hooks" | "processes"> & {
  readonly connection: Pick<HostConnection, "connect">;
  readonly supervisor: Pick<
    RolloutHost["supervisor"],
    "look" | "noteLogs" | "tailLog" | "histories" | "config" | "reread"
  >;
  readonly lock: Pick<RolloutHost["lock"], "host" | "lost" | "awaitOutcome" | "prepare" | "take" | "release">;
};

/**
 * The fleet as one controller sees it, through the executor's ports, in virtual time.
 * Once the controller is dead nothing more is sent, and nothing is answered; what has arrived continues.
 */
export class SimWorld implements World {
  readonly fleet: ReadonlyMap<HostName, RolloutHost>;
  readonly hooks: World["hooks"];
  readonly operator: Operator;
  /** Instances to which a change was sent while another still acted on them. */
  readonly doubled: string[] = [];
  private readonly simulated: SimFleet;
  private readonly time: VirtualTime;
  private readonly options: WorldOptions;
  private readonly isDead: () => boolean;
  /** Changes that the controller waits for, with the callback for the loss of their connection. */
  private readonly awaited = new Map<HostName, Set<() => void>>();
  private readonly locks = new Map<HostName, (lost: LockLost) => void>();
  /** A hook's port is not told its name. */
  private readonly hookNames = new Map<string, HookName>();

  constructor(simulated: SimFleet, time: VirtualTime, isDead: () => boolean, options: WorldOptions) {
    this.simulated = simulated;
    this.time = time;
    this.isDead = isDead;
    this.options = options;
    this.hooks = { run: (hook, subject) => this.runHook(hook, subject) };
    this.fleet = new Map([...simulated.hosts.keys()].map((host) => [host, this.hostOf(host) as RolloutHost]));
    this.operator = this.operatorOf();
    simulated.onLost = (host) => {
      for (const lose of this.awaited.get(host) ?? []) time.after(KEEPALIVE_MS, lose);
    };
  }

  /** It sees the controller's events. */
  see(event: RecordedEvent): void {
    // It is down on purpose: there is nothing to put back.
    if (event.type === "instance.healthy" && (event.stopped || event.removed))
      this.simulated.drained.delete(keyOf(event));
    if (event.type === "hook.started") this.hookNames.set(keyOf(event), event.hook);
  }

  /** Another user takes the lock of a host. */
  loseLock(host: HostName, reason: string): void {
    this.locks.get(host)?.({ kind: "lock_lost", reason });
  }

  private hostOf(host: HostName): Parts {
    const lost = new Promise<LockLost>((resolve) => this.locks.set(host, resolve));
    return {
      connection: { connect: () => this.connect(host) },
      supervisor: {
        look: () => this.look(host),
        noteLogs: () => Promise.resolve(),
        tailLog: () => this.answer(LOOK_MS, () => ({ text: "the end of its log", log: "stderr" })),
        histories: (instances) => this.answer(PROCESSES_MS, () => this.simulated.histories(host, instances)),
        config: () => this.answer(LOOK_MS, () => this.configOf(host)),
        reread: () => this.reread(host),
      },
      processes: { look: (query) => this.answer(PROCESSES_MS, () => this.simulated.processes(host, query)) },
      lock: {
        host,
        lost,
        awaitOutcome: () => this.awaitOutcome(host),
        prepare: () => undefined,
        take: () => this.answer(LOOK_MS, () => ({ kind: "held" })),
        release: () => Promise.resolve(),
      },
      changes: { change: (change) => this.change({ host, ...change }) },
      checker: { check: (check, subject) => this.check({ host, check, ...subject }) },
      hooks: this.hooks,
    };
  }

  private operatorOf(): Operator {
    const { onQuestion, onPause } = this.options;
    return {
      isThere: onQuestion !== undefined,
      mayContinue: () => this.answer(0, () => onPause?.() ?? true),
      decide: (answers) =>
        new Promise((resolve) => {
          const wish = onQuestion?.(answers);
          if (wish) this.later(wish.afterMs, () => resolve(wish.answer));
        }),
    };
  }

  /** What is found out at the end of this time. */
  private answer<T>(afterMs: number, find: () => T): Promise<T> {
    return new Promise((resolve) => this.later(afterMs, () => resolve(find())));
  }

  private later(afterMs: number, act: () => void): void {
    if (!this.isDead()) this.time.after(afterMs, () => this.isDead() || act());
  }

  private connect(host: HostName): ReturnType<HostConnection["connect"]> {
    return this.answer(LOOK_MS, () =>
      this.simulated.unreachable.has(host)
        ? { kind: "refused", refusal: { code: "unreachable", host, reason: "no route" } }
        : { kind: "connected" },
    );
  }

  private configOf(host: HostName): HostConfig {
    const processes = this.simulated.configs ? [...(this.simulated.hosts.get(host) ?? [])] : [];
    const instances = processes.map(([instance, { config, behaviour }]) => {
      const startsecs = behaviour.startsecsMs / 1000;
      return [instance, { ...instanceConfigOf(config), startsecs }] as const;
    });
    return { instances: new Map(instances), files: [] };
  }

  private look(host: HostName): Promise<LookOutcome> {
    const gaveUp: LookOutcome = { kind: "unreachable", reason: "no answer in time" };
    return new Promise((resolve) => {
      const seen = (outcome: LookOutcome) => {
        if (outcome.kind !== "seen") this.simulated.unseenAtMs.set(host, this.time.now);
        resolve(outcome);
      };
      this.later(this.options.lookMs?.() ?? LOOK_MS, () => {
        if (this.simulated.isHung(host)) this.later(LOOK_TIMEOUT_MS, () => seen(gaveUp));
        else seen(this.simulated.look(host));
      });
    });
  }

  private reread(host: HostName): Promise<RereadOutcome> {
    const gaveUp: RereadOutcome = { kind: "unavailable", reason: "no answer in time" };
    return new Promise((resolve) =>
      this.later(LOOK_MS, () => {
        if (this.simulated.isHung(host)) this.later(LOOK_TIMEOUT_MS, () => resolve(gaveUp));
        else resolve(this.simulated.disks.reread(host));
      }),
    );
  }

  private check(check: SimCheck): Promise<CheckOutcome> {
    return this.answer(
      LOOK_MS,
      () => this.options.onCheck?.(check) ?? this.simulated.check(check.host, check.instance),
    );
  }

  /** Like a command that was sent, it does what it does even if nobody hears of it. */
  private runHook(planned: Hook, subject: HookSubject): Promise<HookOutcome> {
    const hook = this.hookNames.get(keyOf(subject));
    if (hook === undefined) throw new Error("a hook was sent that was not announced");
    if (this.isDead()) return new Promise(() => undefined);
    const sent = { hook, ...subject };
    const putBack = this.drain(sent, planned);
    const { afterMs = HOOK_MS, ...ended } = this.options.onHook?.(sent) ?? { kind: "succeeded" };
    return this.answer(afterMs, () => {
      // Where its failure is only a warning, nothing that it did need be undone.
      if (ended.kind === "succeeded") this.enable(sent);
      else if (planned.on_error !== "warn") putBack();
      return ended;
    });
  }

  /** @returns what a hook that fails does: it undoes what it did itself */
  private drain({ hook, host, instance, step, hosts = [] }: SimHook, { command }: Hook): () => void {
    const { drained, drainedTogether } = this.simulated;
    if (command === "before_batch" || command === "before_wave") {
      const names = hosts.map((one) => togetherKey(command, step?.group, one));
      const added = names.filter((name) => !drainedTogether.has(name));
      for (const name of added) drainedTogether.add(name);
      return () => added.forEach((name) => drainedTogether.delete(name));
    }
    const name = hook === "before_host" ? host : hook === "before_restart" ? keyOf({ host, instance }) : undefined;
    if (name === undefined || drained.has(name)) return () => undefined;
    drained.add(name);
    return () => void drained.delete(name);
  }

  private enable({ hook, host, instance, step, hosts = [] }: SimHook): void {
    const undone = hook === "after_batch" ? "before_batch" : hook === "after_wave" ? "before_wave" : undefined;
    for (const one of undone ? hosts : [])
      this.simulated.drainedTogether.delete(togetherKey(undone ?? "", step?.group, one));
    if (hook === "after_host" && host !== undefined) this.simulated.drained.delete(host);
    if (hook === "after_healthy") this.simulated.drained.delete(keyOf({ host, instance }));
  }

  /** A host that cannot be reached is tried again until it can. */
  private awaitOutcome(host: HostName): Promise<AwaitedOutcome> {
    return new Promise((resolve) => {
      const answer = () => {
        if (this.simulated.unreachable.has(host)) this.later(QUIET_RETRY_MS, answer);
        else resolve(this.options.onAwaitOutcome?.() ?? { kind: "ended" });
      };
      this.simulated.onceQuiet(host, () => this.later(QUIET_MS, answer));
    });
  }

  private change(change: SimChange): Promise<ChangeOutcome> {
    return new Promise((resolve) => {
      if (!this.isDead()) this.send(change, (outcome) => this.isDead() || resolve(outcome));
    });
  }

  private send(change: SimChange, answer: (outcome: ChangeOutcome) => void): void {
    const { time, simulated } = this;
    const { host, ...command } = change;
    const fate: ChangeFate = simulated.unreachable.has(host)
      ? { kind: "not_sent" }
      : (this.options.onChange?.(change) ?? { kind: "arrives" });
    if (fate.kind === "not_sent") {
      time.after(0, () => answer({ kind: "not_sent", reason: "no connection" }));
      return;
    }
    const ofHost = this.awaited.get(host) ?? new Set();
    this.awaited.set(host, ofHost);
    const lose = () => {
      if (ofHost.delete(lose)) answer({ kind: "indeterminate", reason: "the connection was lost" });
    };
    ofHost.add(lose);
    if ("afterMs" in fate) time.after(fate.afterMs, lose);
    if (fate.kind === "lost_on_the_way") return;
    const keys = simulated.instancesOf(host, change).map((instance) => keyOf({ host, instance }));
    const acting = simulated.acting.get(host) ?? [];
    this.doubled.push(...keys.filter((key) => acting.includes(key)));
    for (const key of keys) simulated.begins(host, key);
    const done = (said: string) => {
      for (const key of keys) simulated.ends(host, key);
      if ("afterMs" in fate || simulated.unreachable.has(host)) return;
      if (ofHost.delete(lose)) time.after(0, () => answer(returned(command, said)));
      if (fate.kind !== "lost_after") return;
      simulated.lose(host);
      time.after(fate.forMs, () => simulated.find(host));
    };
    const isHalf = fate.kind === "lost_half_way" || fate.kind === "cut_short";
    const half: Change = isHalf && command.action === "restart" ? { ...command, action: "stop" } : command;
    simulated.change(half, host, done, isHalf ? (fate.end ?? "stopped") : undefined);
  }
}

function returned({ action }: Change, said: string): ChangeOutcome {
  const isRefused =
    (action === "signal" && !said.endsWith(": signalled")) ||
    (action === "update" && !/: (updated|added) process group$/.test(said));
  return { kind: "returned", said, ...(isRefused && { isRefused }) };
}

/** A host that a hook of a wave or a batch has taken out of service. */
function togetherKey(hook: string, group = "", host = ""): string {
  return `${hook} ${group} ${host}`;
}

type About = { readonly host?: string | undefined; readonly instance?: string | undefined };

function keyOf({ host = "", instance = "" }: About): string {
  return `${host} ${instance}`;
}
