import type { HostTarget } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";
import { Bastions } from "./ssh/bastions.ts";
import { openLocal } from "./local.ts";
import type { SshOptions } from "./ssh-config/ssh-route.ts";
import { openSsh } from "./ssh/ssh.ts";
import { openSystemSsh } from "./system-ssh/system-ssh.ts";

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
