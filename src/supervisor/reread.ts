import type { ConfiguredInstance, GroupChange, RereadOutcome } from "../domain/fleet.ts";
import { compareNaturally, type ProgramName } from "../domain/ids.ts";
import { printable } from "../domain/printable.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess, RunOutcome } from "../executor/ports.ts";
import { availArgv, rereadArgv } from "./commands.ts";
import { saidBy, whyNot } from "./exec.ts";
import { parseAvail } from "./replies.ts";

/** supervisor/supervisorctl.py, `do_reread`. */
const GROUP_LINE = /^(.*\S): (available|changed|disappeared)$/;
const UNCHANGED = /^No config updates to processes$/m;
const INVALID = /^ERROR: CANT_REREAD(?:: )?(.*)$/m;

/**
 * `supervisorctl reread`, and `avail` for the instances of the configuration that it has read. It changes nothing that runs.
 * @param timeoutMs bound of each of the two
 */
export async function rereadByExec(
  access: HostAccess,
  settings: SupervisorSettings,
  timeoutMs: number,
): Promise<RereadOutcome> {
  const reread = await access.run(rereadArgv(settings), { timeoutMs });
  if (reread.kind !== "exited") return { kind: "unavailable", reason: whyNot(reread, timeoutMs) };
  const [, invalid] = INVALID.exec(reread.stdout) ?? [];
  if (invalid !== undefined) return { kind: "invalid", reason: printable(invalid.trim() || "CANT_REREAD") };
  const groups = groupsIn(reread.stdout);
  if (groups.size === 0 && !UNCHANGED.test(reread.stdout)) return notUnderstood("reread", reread);
  const avail = await access.run(availArgv(settings), { timeoutMs });
  if (avail.kind !== "exited") return { kind: "unavailable", reason: whyNot(avail, timeoutMs) };
  const configured = avail.code === 0 ? parseAvail(avail.stdout, { all: true }) : undefined;
  if (!configured) return notUnderstood("avail", avail);
  const instances = [...configured]
    .map(([instance, { autostart = true }]): ConfiguredInstance => ({ instance, autostart }))
    .toSorted((a, b) => compareNaturally(a.instance, b.instance));
  return { kind: "read", groups, instances };
}

function groupsIn(text: string): Map<ProgramName, GroupChange> {
  const groups = new Map<ProgramName, GroupChange>();
  for (const line of text.split(/\r?\n/)) {
    const [, group, change] = GROUP_LINE.exec(line.trimEnd()) ?? [];
    if (group !== undefined && change !== undefined) groups.set(group as ProgramName, change as GroupChange);
  }
  return groups;
}

function notUnderstood(command: string, outcome: Extract<RunOutcome, { kind: "exited" }>): RereadOutcome {
  const said = saidBy(outcome);
  return { kind: "unavailable", reason: printable(said === "" ? `supervisorctl ${command} printed nothing` : said) };
}
