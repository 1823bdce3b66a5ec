import type { HostTarget } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";
import { Bastions } from "./bastions.ts";
import { openLocal } from "./local.ts";
import type { SshOptions } from "./ssh-route.ts";
import { openSsh } from "./ssh.ts";
import { openSystemSsh } from "./system-ssh.ts";

/**
 * The way onto a host that its plan asks for. Nothing is connected yet.
 *
 * @param bastions those that it shares with the other hosts of its fleet
 */
export function openHost(
  target: HostTarget,
  options: SshOptions = {},
  bastions: Bastions = new Bastions(),
): HostAccess {
  if (target.connection === "local") return openLocal(target.name);
  return target.ssh.client === "system" ? openSystemSsh(target, options) : openSsh(target, options, bastions);
}
