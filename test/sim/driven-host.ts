import type { ProgramName, RolloutId } from "../../src/domain/ids.ts";
import type { HostAccess, SupervisorChanges, SupervisorReader } from "../../src/executor/ports.ts";
import { createHostLock } from "../../src/state/host-lock.ts";
import { supervisorctlChanges } from "../../src/supervisor/changes.ts";
import { sessionArgv } from "../../src/supervisor/commands.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";
import type { FleetHost } from "../fleet/fleet.ts";

/** A real host as a rollout drives it: with the lock on these groups. */
export async function drivenHost(
  host: FleetHost,
  access: HostAccess,
  groups: readonly ProgramName[],
): Promise<{
  readonly reader: SupervisorReader;
  readonly changes: SupervisorChanges;
  readonly close: () => Promise<void>;
}> {
  const settings = { command: "supervisorctl", sudo: false, config: host.supervisorConfig };
  const reader = supervisorReader(access, settings, 30_000);
  const lock = createHostLock(access, {
    directory: host.dir,
    supervisorPid: () => reader.supervisorPid(),
    words: "supervisord",
    isOfAccount: false,
    mayBeElsewhere: false,
    owner: { rollout: "contract" as RolloutId, who: "the contract", since: new Date().toISOString() },
    session: sessionArgv(settings),
  });
  const taken = await lock.take(groups);
  if (taken.kind !== "held") throw new Error(JSON.stringify(taken));
  return {
    reader,
    changes: supervisorctlChanges(lock, settings),
    async close() {
      await Promise.all([reader.close(), lock.release()]);
      await access.close();
    },
  };
}
