import { whyNotAddressable } from "../domain/address.ts";
import { printable } from "../domain/printable.ts";
import type { ChangeOutcome, LockLost } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostLock, RunOutcome, SupervisorChanges } from "../executor/ports.ts";
import { changeArgv, changeLine } from "./commands.ts";
import { saidBy } from "./exec.ts";

/** Changes through supervisorctl, under the lock of the host. */
export function supervisorctlChanges(lock: HostLock, settings: SupervisorSettings): SupervisorChanges {
  return {
    async change(action, instance) {
      // The planner has refused it already. As a line of a session it could be other commands.
      const why = whyNotAddressable(instance);
      if (why !== undefined) return { kind: "not_sent", reason: printable(`${instance}: ${why}`) };
      // No timeout: supervisorctl killed between its stop and its start leaves the program STOPPED for good.
      const inSession = changeLine(action, instance);
      return toChange(await lock.run(changeArgv(settings, action, instance), { inSession }));
    },
  };
}

function toChange(outcome: RunOutcome | LockLost): ChangeOutcome {
  switch (outcome.kind) {
    case "exited":
      return { kind: "returned", said: saidBy(outcome) };
    case "signalled":
      return { kind: "indeterminate", reason: `supervisorctl was ended by ${outcome.signal} on the host` };
    case "unreachable":
      return { kind: "not_sent", reason: outcome.reason };
    case "timed_out":
      return { kind: "indeterminate", reason: "supervisorctl did not return" };
    case "indeterminate":
    case "lock_lost":
      return outcome;
  }
}
