import type { ChangeOutcome } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess, RunOutcome, Supervisor, SupervisorReader } from "../executor/ports.ts";
import { changeArgv } from "./commands.ts";
import { saidBy } from "./exec.ts";

/** Restarts through one `supervisorctl` process per call; looks through the reader. */
export function supervisorctl(access: HostAccess, settings: SupervisorSettings, reader: SupervisorReader): Supervisor {
  return {
    ...reader,
    async change(action, instance) {
      // No timeout: supervisorctl killed between its stop and its start leaves the program STOPPED for good.
      return toChange(await access.run(changeArgv(settings, action, instance)));
    },
  };
}

function toChange(outcome: RunOutcome): ChangeOutcome {
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
      return outcome;
  }
}
