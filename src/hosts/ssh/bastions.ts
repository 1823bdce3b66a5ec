import pLimit, { type LimitFunction } from "p-limit";
import { BastionConnection } from "./bastion-connection.ts";
import { shakeHands, type Dialled, type Means, type SshOpened } from "./ssh-handshake.ts";
import type { SshConfigs, SshRoute } from "../ssh-config/ssh-route.ts";
import { Tunnel } from "./tunnel.ts";

/** Handshakes through one bastion at once: as fast as all at once, and its sshd looks names up one by one. */
const HANDSHAKES_AT_ONCE = 16;

/** Anyone who may still need the bastion, until it leaves. */
type User = object;

const LEFT_OUT = new Set(["host", "connectTimeoutMs"]);

interface Bastion {
  readonly connection: BastionConnection;
  readonly handshakes: LimitFunction;
  readonly users: Set<User>;
}

/** The bastions of a fleet: one connection to each, whatever is behind it, until the last user has left. */
export class Bastions {
  /** The ssh_config of the bastions, and of the hosts behind them. */
  readonly configs: SshConfigs = new Map();
  private readonly kept = new Map<string, Bastion>();

  /** Makes a connection, through the bastion that is on the way if there is one. Never rejects. */
  async open(route: SshRoute, means: Means, user: User): Promise<SshOpened> {
    if (!route.via) return shakeHands(route, means);
    const { connection, handshakes } = this.enter(user, route.via, means);
    return handshakes(async () => {
      // The bastion has a time of its own, so that it is there before the host's begins.
      const bastion = await orAborted(connection.open(), means.signal);
      if (bastion?.kind === "refused")
        return { kind: "refused", refusal: { ...bastion.refusal, host: route.host } } as const;
      const opened = await shakeHands(route, means, () => dialThrough(connection, route));
      if (opened.kind === "refused" || !bastion) return opened;
      return { ...opened, warnings: [...bastion.warnings, ...opened.warnings] };
    });
  }

  /** Resolves when the bastions that are no longer needed are closed. */
  async leave(user: User): Promise<void> {
    for (const [key, { connection, users }] of this.kept) {
      if (!users.delete(user) || users.size > 0) continue;
      // Later users get another one.
      this.kept.delete(key);
      await connection.close();
      await this.leave(connection);
    }
  }

  private enter(user: User, route: SshRoute, means: Means): Bastion {
    // Which host came this way first is of no matter, nor how long it would have waited.
    const key = JSON.stringify(route, (name, value: unknown) => (LEFT_OUT.has(name) ? undefined : value));
    const bastion = this.kept.get(key) ?? this.make(route, means);
    this.kept.set(key, bastion);
    bastion.users.add(user);
    return bastion;
  }

  /** A bastion behind another is a user of that one. */
  private make(route: SshRoute, means: Means): Bastion {
    const connection: BastionConnection = new BastionConnection((signal) =>
      this.open(route, { ...means, signal }, connection),
    );
    return { connection, handshakes: pLimit(HANDSHAKES_AT_ONCE), users: new Set() };
  }
}

/** A bastion that was lost in the meantime is dialled again. */
async function dialThrough(connection: BastionConnection, { address, port }: SshRoute): Promise<Dialled> {
  const bastion = await connection.open();
  if (bastion.kind === "refused") return { kind: "failed", reason: bastion.refusal.reason, isBastions: true };
  const dialled = await bastion.connection.tunnel({ address, port });
  const lostBecause = () => bastion.connection.lostBecause;
  if (dialled.kind === "open") return { kind: "dialled", transport: new Tunnel(dialled.stream), lostBecause };
  return { kind: "failed", reason: lostBecause() ?? dialled.reason, isBastions: bastion.connection.isLost };
}

/** Undefined once the signal came first: one host that is given up does not give up the bastion for the others. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(undefined);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then((value) => {
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    });
  });
}
