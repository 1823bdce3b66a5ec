import type { HostTarget } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";
import { SharedConnections } from "./shared-connections.ts";
import { shakeHands } from "./ssh-handshake.ts";
import { findRoute, type SshOptions } from "./ssh-route.ts";

/** A way onto a host by ssh2. */
export function openSsh(target: HostTarget, options: SshOptions = {}): HostAccess {
  return new SharedConnections(target.name, async (signal) => {
    const found = await findRoute(target, options);
    return "route" in found ? shakeHands(found.route, signal) : { kind: "refused", refusal: found.refusal };
  });
}
