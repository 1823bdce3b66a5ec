import pLimit from "p-limit";
import type { ParsedKey } from "ssh2";
import type { HostName } from "../../domain/ids.ts";
import type { HostTarget } from "../../domain/target.ts";
import { agentKeys } from "./ssh-agent.ts";
import { readIdentities, unlock } from "./ssh-identities.ts";
import { findRoute, type SshConfigs, type SshOptions, type SshRoute } from "../ssh-config/ssh-route.ts";

/** A private key that cannot be used without its passphrase. */
export interface LockedKey {
  readonly file: string;
  /** The hosts that are reached with it, or through a bastion that is. */
  readonly hosts: readonly HostName[];
  /** Undefined: this is not its passphrase. */
  readonly unlock: (passphrase: string) => ParsedKey | undefined;
}

/** Each asks ssh what ssh_config says. */
const ASKING_AT_ONCE = 16;

/** The keys that have a passphrase and that no agent holds: to be asked for before anything starts, once for each. */
export async function lockedKeys(
  targets: readonly HostTarget[],
  options: SshOptions,
  configs: SshConfigs,
): Promise<readonly LockedKey[]> {
  const { default: ssh2 } = await import("ssh2");
  const { parseKey } = ssh2.utils;
  const agents = new Map<string, Promise<readonly Buffer[]>>();
  const texts = new Map<string, Buffer>();
  const hosts = new Map<string, HostName[]>();
  const limit = pLimit(ASKING_AT_ONCE);

  const lookAt = async (host: HostName, route: SshRoute): Promise<void> => {
    const { usable, locked } = await readIdentities(route, parseKey);
    const held = await heldBy(route.agentSocket, agents);
    const missing = locked.filter(({ publicBlob }) => !held.some((blob) => publicBlob?.equals(blob)));
    // A key that nobody has named is one of several guesses: it is worth a question when there is nothing else.
    const asked = route.identityIsChosen ? missing : usable.length + held.length === 0 ? missing.slice(0, 1) : [];
    for (const { file, text } of asked) {
      texts.set(file, text);
      hosts.set(file, [...(hosts.get(file) ?? []), host]);
    }
    if (route.via) await lookAt(host, route.via);
  };
  const routes = await Promise.all(targets.map((target) => limit(() => findRoute(target, options, configs))));
  for (const [index, found] of routes.entries()) {
    const target = targets[index];
    // A mistake in a route is reported when the route is used.
    if (target && "route" in found) await lookAt(target.name, found.route);
  }
  return [...texts].map(([file, text]) => ({
    file,
    hosts: [...new Set(hosts.get(file))],
    unlock: (passphrase) => unlock(text, passphrase, parseKey),
  }));
}

/** The public halves of an agent's keys; none where it cannot be asked. */
function heldBy(
  socket: string | undefined,
  agents: Map<string, Promise<readonly Buffer[]>>,
): Promise<readonly Buffer[]> {
  if (socket === undefined) return Promise.resolve([]);
  const held =
    agents.get(socket) ??
    agentKeys(socket).then(
      (keys) => keys.map(({ blob }) => blob),
      () => [],
    );
  agents.set(socket, held);
  return held;
}
