import pLimit from "p-limit";
import type { Refusal } from "../domain/failures.ts";
import type { FleetReport, HostReport } from "../domain/fleet.ts";
import type { HostName } from "../domain/ids.ts";
import type { FleetHost } from "./ports.ts";
import type { Recorder } from "./recorder.ts";

/** Connections that are being opened at once: as fast as all at once, without a burst at a bastion or an agent. */
const CONNECTING_AT_ONCE = 16;

/**
 * Connects to all hosts and asks each what it runs. Changes nothing: it is given readers.
 *
 * @param withConfig asks as well how Supervisor is configured, as far as that is to be had
 */
export async function discover(
  fleet: ReadonlyMap<HostName, FleetHost>,
  recorder: Recorder,
  { withConfig = false }: { readonly withConfig?: boolean } = {},
): Promise<FleetReport> {
  const limit = pLimit(CONNECTING_AT_ONCE);
  const reports = [...fleet].map(([host, opened]) =>
    limit(async (): Promise<[HostName, HostReport]> => {
      const report = await lookAt(host, opened, withConfig);
      if ("instances" in report) recorder.record({ type: "host.connected", host, instances: report.instances.length });
      else
        recorder.record({ type: "host.unreachable", host, code: report.refusal.code, reason: report.refusal.reason });
      return [host, report];
    }),
  );
  return new Map(await Promise.all(reports));
}

async function lookAt(host: HostName, { connection, supervisor }: FleetHost, withConfig: boolean): Promise<HostReport> {
  const connected = await connection.connect();
  if (connected.kind === "refused") return { host, refusal: connected.refusal };
  const { warnings } = connected;
  const look = await supervisor.look();
  if (look.kind === "seen") {
    const { snapshots: instances, supervisorPid } = look;
    const names = instances.map(({ instance }) => instance);
    const config = withConfig ? { config: await supervisor.config(names) } : {};
    const daemon = supervisorPid === undefined ? {} : { supervisorPid };
    return { host, instances, ...daemon, ...(warnings && { warnings }), ...config };
  }
  const refusal: Refusal = {
    code: look.kind === "unreachable" ? "unreachable" : "supervisor_unavailable",
    host,
    reason: look.reason,
  };
  return { host, refusal };
}
