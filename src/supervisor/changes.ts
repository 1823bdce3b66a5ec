import type { Change } from "../domain/action.ts";
import { whyNotAddressable, whyNotUpdatable } from "../domain/address.ts";
import { printable } from "../domain/printable.ts";
import type { ChangeOutcome, LockLost } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostLock, RunOutcome, SupervisorChanges } from "../executor/ports.ts";
import { changeArgv, changeLine } from "./commands.ts";
import { saidBy } from "./exec.ts";

/** supervisor/supervisorctl.py, `do_signal` and `do_update`. */
const DONE = { signal: /: signalled\s*$/m, update: /: (?:updated|added) process group\s*$/m } as const;

/** Changes through supervisorctl, under the lock of the host. */
export function supervisorctlChanges(lock: HostLock, settings: SupervisorSettings): SupervisorChanges {
  return {
    async change(change) {
      // The planner has refused it already. As a line of a session it could be other commands.
      const why = whyNot(change);
      if (why !== undefined) return { kind: "not_sent", reason: printable(why) };
      // No timeout: supervisorctl killed between its stop and its start leaves the program STOPPED for good.
      const inSession = changeLine(change);
      const outcome = await lock.run(changeArgv(settings, change), { inSession });
      const changed = toChange(outcome);
      if (changed.kind !== "returned" || outcome.kind !== "exited") return changed;
      const isRefused =
        (change.action === "signal" || change.action === "update") && !DONE[change.action].test(outcome.stdout);
      return isRefused ? { ...changed, isRefused } : changed;
    },
  };
}

/** Why supervisorctl cannot be given this change; undefined if it can. */
function whyNot(change: Change): string | undefined {
  const name = change.action === "update" ? change.group : change.instance;
  const why = change.action === "update" ? whyNotUpdatable(change.group) : whyNotAddressable(change.instance);
  if (why !== undefined) return `${name}: ${why}`;
  if (change.action !== "signal" || /^[A-Za-z0-9+-]{1,12}$/.test(change.signal)) return undefined;
  return `${change.signal} is no name of a signal`;
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
