import type { HostName } from "../../src/domain/ids.ts";
import type { LockLost } from "../../src/domain/outcomes.ts";
import type { Argv, HostLock, RunOutcome, RunUnderLock } from "../../src/executor/ports.ts";

/** A lock under which every command ends alike, and which remembers what it was asked. */
export function locking(outcome: RunOutcome | LockLost) {
  const asked: { argv: Argv; options: RunUnderLock | undefined }[] = [];
  const lock: HostLock = {
    host: "h" as HostName,
    lost: new Promise(() => undefined),
    prepare: () => undefined,
    take: () => Promise.resolve({ kind: "held" }),
    run: (argv, options) => {
      asked.push({ argv, options });
      return Promise.resolve(outcome);
    },
    awaitOutcome: () => Promise.resolve({ kind: "ended" }),
    release: () => Promise.resolve(),
  };
  return { asked, lock };
}
