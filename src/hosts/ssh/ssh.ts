import type { HostTarget } from "../../domain/target.ts";
import type { HostAccess } from "../../executor/ports.ts";
import { Bastions } from "./bastions.ts";
import { SharedConnections } from "../connection/shared-connections.ts";
import { findRoute, type SshOptions } from "../ssh-config/ssh-route.ts";

/**
 * A way onto a host by ssh2.
 *
 * @param bastions those that it shares with other hosts
 */
export function openSsh(target: HostTarget, options: SshOptions = {}, bastions: Bastions = new Bastions()): HostAccess {
  return new SshAccess(target, options, bastions);
}

/** Connections that may run through bastions, which are left when they are closed. */
class SshAccess extends SharedConnections {
  private readonly bastions: Bastions;
  /** Its identity to the bastions, until it is closed. It may be used again before they have released it. */
  private readonly lease: { user: object };

  constructor(target: HostTarget, options: SshOptions, bastions: Bastions) {
    const lease = { user: {} };
    super(target.name, async (signal) => {
      const { user } = lease;
      const found = await findRoute(target, options, bastions.configs);
      if ("refusal" in found) return { kind: "refused", refusal: found.refusal };
      return bastions.open(found.route, { signal, unlocked: options.unlocked, backoff: options.backoff }, user);
    });
    this.bastions = bastions;
    this.lease = lease;
  }

  override async close(): Promise<void> {
    const { user } = this.lease;
    this.lease.user = {};
    await super.close();
    await this.bastions.leave(user);
  }
}
