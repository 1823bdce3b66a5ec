import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { printable } from "../domain/printable.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import { Deadline } from "../executor/deadline.ts";
import type { HostAccess, PidOutcome, RunOutcome } from "../executor/ports.ts";
import { complaintIn, lastWords, type Complaint, type DaemonSilence } from "./complaints.ts";
import { availArgv, isSupervisorctl, pidArgv, statusArgv, tailArgv, tailBytes, type Log } from "./commands.ts";
import { parseAvail, parsePid } from "./replies.ts";
import { parseStatus, type StatusText } from "./status-text.ts";
import { isCutCharacter, readTail, type TailReply } from "./tail-reply.ts";

/** `status` ends so when it could list everything: 3 when something is STOPPED, EXITED, FATAL or UNKNOWN (0 before Supervisor 4). */
const LISTED_ALL: readonly number[] = [0, 3];

/** What one supervisorctl said of all instances. @property silence what its words say of supervisord itself */
export type ExecLook =
  | { readonly kind: "seen"; readonly snapshots: readonly ProcessSnapshot[] }
  | (Omit<Extract<LookOutcome, { kind: "unavailable" }>, "hasEnded"> & { readonly silence?: DaemonSilence })
  | { readonly kind: "unreachable"; readonly reason: string };

/** supervisor/rpcinterface.py, `getAllProcessInfo`, where a process of a group is called `*`. */
const LISTS_NOTHING = /<Fault 10: 'BAD_NAME: (.+:\*)'>/;

/** Enough to find it by. */
const LONGEST_QUOTE = 200;

/** Looks through a supervisorctl of its own: what works wherever supervisorctl does. */
export async function lookByExec(
  access: HostAccess,
  settings: SupervisorSettings,
  timeoutMs: number,
): Promise<ExecLook> {
  const { isOfLogin, ...look } = toLook(await access.run(statusArgv(settings), { timeoutMs }), timeoutMs);
  // By sudo, or in a script in place of supervisorctl, it may be another user.
  const isLogin = isOfLogin && !settings.sudo && isSupervisorctl(settings);
  return isLogin && look.kind === "unavailable" ? withLogin(look, await loginOf(access, timeoutMs)) : look;
}

/** The name of the login on the host; undefined where the host does not say it. */
async function loginOf(access: HostAccess, timeoutMs: number): Promise<string | undefined> {
  const outcome = await access.run(["id", "-un"], { timeoutMs });
  return outcome.kind === "exited" ? /^([\w.@-]+)\s*$/m.exec(outcome.stdout)?.[1] : undefined;
}

function withLogin(look: Extract<ExecLook, { kind: "unavailable" }>, login: string | undefined): ExecLook {
  return login === undefined ? look : { ...look, reason: look.reason.replace(/^the login\b/, () => `user ${login}`) };
}

/** The end of a log. */
export async function tailByExec(
  access: HostAccess,
  settings: SupervisorSettings,
  log: Log,
  timeoutMs: number,
): Promise<TailReply> {
  const deadline = new Deadline(timeoutMs);
  let outcome: RunOutcome | undefined;
  for (const bytes of tailBytes(log)) {
    outcome = await access.run(tailArgv(settings, log, bytes), { timeoutMs: deadline.leftMs });
    if (outcome.kind !== "exited") {
      const isLost = outcome.kind === "unreachable" || outcome.kind === "indeterminate";
      return { kind: "unreadable", why: whyNot(outcome, timeoutMs), ...(isLost && { isLost }) };
    }
    if (!isCutCharacter(outcome.stdout)) break;
  }
  return outcome?.kind === "exited" ? toTail(outcome, log) : { kind: "unreadable", why: "it was not asked for" };
}

/** The process id of supervisord. */
export async function pidByExec(
  access: HostAccess,
  settings: SupervisorSettings,
  timeoutMs: number,
): Promise<PidOutcome> {
  const outcome = await access.run(pidArgv(settings), { timeoutMs });
  if (outcome.kind !== "exited") return { kind: "unavailable", reason: whyNot(outcome, timeoutMs) };
  // A command in place of supervisorctl may say something before it.
  const pid = outcome.code === 0 ? parsePid(outcome.stdout.trimEnd().split("\n").at(-1) ?? "") : undefined;
  if (pid !== undefined) return { kind: "known", pid };
  // A supervisord that is down, for a moment perhaps, has not been asked.
  const look = await lookByExec(access, settings, timeoutMs);
  return look.kind === "seen" ? { kind: "unknown" } : { kind: "unavailable", reason: look.reason };
}

/** Priorities and more of what supervisord has loaded; empty where supervisorctl does not say. */
export async function configsByExec(
  access: HostAccess,
  settings: SupervisorSettings,
  timeoutMs: number,
): Promise<ReadonlyMap<InstanceName, InstanceConfig>> {
  const outcome = await access.run(availArgv(settings), { timeoutMs });
  return (outcome.kind === "exited" && outcome.code === 0 && parseAvail(outcome.stdout)) || new Map();
}

/** Judged by the states. Of the exit code only this: any other one cut the list short, and a missing instance has not vanished. */
function toLook(outcome: RunOutcome, timeoutMs: number): ExecLook & Pick<Complaint, "isOfLogin"> {
  switch (outcome.kind) {
    case "exited":
      return toList(outcome);
    case "signalled":
    case "timed_out":
      return { kind: "unavailable", reason: whyNot(outcome, timeoutMs) };
    case "unreachable":
    case "indeterminate":
      return { kind: "unreachable", reason: whyNot(outcome, timeoutMs) };
  }
}

function toList(outcome: Extract<RunOutcome, { kind: "exited" }>): ExecLook & Pick<Complaint, "isOfLogin"> {
  const { snapshots, noise, unreadable } = parseStatus(outcome.stdout);
  // A list that was cut short says nothing of what has cut it.
  const { said, remedy, silence, isOfLogin } = complaintIn([...noise, ...unreadable, outcome.stderr].join("\n"));
  const [, wildcard] = LISTS_NOTHING.exec(outcome.stdout) ?? [];
  if (wildcard !== undefined) return { kind: "unavailable", code: "not_addressable", reason: whyNothing(wildcard) };
  if (!LISTED_ALL.includes(outcome.code) || (snapshots.length === 0 && unreadable.length === 0 && said !== "")) {
    return {
      kind: "unavailable",
      reason: said === "" ? `supervisorctl ended with exit code ${outcome.code} and printed nothing` : said,
      ...(remedy !== undefined && { remedy }),
      ...(silence && { silence }),
      ...(isOfLogin && { isOfLogin }),
    };
  }
  // What stands in a line that is not understood would look as if it had vanished.
  const reason = outcome.isCut ? "its output is too long: the beginning of it was cut" : whyUnreadable(unreadable);
  return reason === undefined
    ? { kind: "seen", snapshots }
    : { kind: "unavailable", code: "status_unreadable", reason };
}

function whyNothing(wildcard: string): string {
  return `a process is called "${printable(wildcard)}", which Supervisor takes for all of its group: supervisord can list nothing while there is one of that name`;
}

function whyUnreadable([first, ...more]: StatusText["unreadable"]): string | undefined {
  if (first === undefined) return undefined;
  const quoted = first.length > LONGEST_QUOTE ? `${first.slice(0, LONGEST_QUOTE)}…` : first;
  const others = more.length === 0 ? "" : `, nor ${more.length} more`;
  return `this line of \`supervisorctl status\` was not understood${others}: "${printable(quoted)}"`;
}

/** Why a command that did not exit has not answered. */
export function whyNot(outcome: Exclude<RunOutcome, { kind: "exited" }>, timeoutMs: number): string {
  if (outcome.kind === "signalled") return `supervisorctl was ended by ${outcome.signal}`;
  if (outcome.kind === "timed_out")
    return `supervisorctl did not answer within ${timeoutMs / 1000} s: supervisord may hang`;
  return outcome.reason;
}

function toTail(outcome: Extract<RunOutcome, { kind: "exited" }>, log: Log): TailReply {
  // It exits with 0 when it has printed the log, and with 1 and a complaint of its own; 127 is the shell's.
  if (outcome.stdout === "" && outcome.code !== 0) return { kind: "unreadable", why: saidBy(outcome) };
  return readTail(outcome.stdout, log);
}

/** supervisorctl complains on stdout, sudo and the shell on stderr. */
export function saidBy({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  return lastWords(`${stdout}\n${stderr}`);
}
