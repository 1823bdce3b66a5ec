import type { Fleet, FleetHost } from "../fleet/fleet.ts";
import { join } from "node:path";

/** By its config a host is looked at through a session, by its socket past supervisorctl. */
export type Way = "session" | "XML-RPC";

/**
 * The `hosts:` of a plan with more names than there are hosts: each name has a connection of its own. What a plan would
 * take for the same supervisord is written differently.
 */
export function planHostsNamed(fleet: Fleet, names: number, way: Way): Record<string, object> {
  const entries = Array.from({ length: names }, (_, index) => {
    const host = fleet.hosts[index % fleet.hosts.length]!;
    return [
      `name-${index + 1}`,
      { address: host.address, supervisor: supervisorOf(host, Math.floor(index / fleet.hosts.length), way) },
    ];
  });
  return Object.fromEntries(entries) as Record<string, object>;
}

function supervisorOf(host: FleetHost, round: number, way: Way): object {
  const dir = `${host.dir}${"/.".repeat(round)}`;
  return way === "session"
    ? { config: `${dir}/supervisord.conf` }
    : { server_url: `unix://${dir}/s.sock`, config: join(host.dir, "supervisord.conf") };
}
