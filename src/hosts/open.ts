import type { HostTarget } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";
import { openLocal } from "./local.ts";
import { openSsh } from "./ssh.ts";

/** The way onto a host that its plan asks for. Nothing is connected yet. */
export function openHost(target: HostTarget): HostAccess {
  return target.connection === "local" ? openLocal(target.name) : openSsh(target);
}
