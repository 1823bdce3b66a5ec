import type { InstanceName } from "../domain/ids.ts";
import { NO_PROCESS, type ProcessSnapshot } from "../domain/process-state.ts";
import type { HostAccess, PidOutcome } from "../executor/ports.ts";
import type { DaemonSilence } from "./complaints.ts";
import type { Listed } from "./way.ts";

/**
 * Prints what a pid is on the host: `supervisord`, `other` (or nothing that is called so), `gone`, or nothing where
 * that cannot be seen. A pid of another pid namespace, such as a container's, is `other` or `gone` as a rule.
 */
const SCRIPT = `
if [ -r "/proc/$1/cmdline" ]; then
  tr '\\0' ' ' <"/proc/$1/cmdline" | grep -q supervisord && echo supervisord || echo other
else
  LC_ALL=C kill -0 "$1" 2>&1 | grep -qi 'no such process' && echo gone
fi
exit 0
`;

/** The queries that find out more than a look shows. */
export interface DaemonQuestions {
  readonly access: HostAccess;
  /** supervisord's pid by a supervisorctl of its own: 150 ms of the host's processor. */
  readonly askPid: () => Promise<PidOutcome>;
  readonly timeoutMs: number;
}

/**
 * Follows which supervisord it is that answers, from look to look. Where the states come without its pid, that is asked
 * only after a look that a restart of supervisord could have given.
 */
export class Daemon {
  private readonly questions: DaemonQuestions;
  private pid: number | undefined;
  /** What was RUNNING at the last look that showed anything, with the pids; undefined before the first. */
  private running: ReadonlyMap<InstanceName, number | undefined> | undefined;
  /** True after a look that showed nothing. */
  private wasSilent = false;

  constructor(questions: DaemonQuestions) {
    this.questions = questions;
  }

  /** Its pid was asked for another purpose. */
  answered(pid: number): void {
    this.pid = pid;
  }

  /** What ran at the last look, of which there need be none. */
  get children(): number[] {
    return [...(this.running?.values() ?? [])].filter((pid) => pid !== undefined && pid !== NO_PROCESS) as number[];
  }

  /** @returns the pid of the supervisord that has given this list, if that is known for certain */
  async listed({ snapshots, supervisorPid }: Listed): Promise<number | undefined> {
    const mayBeAnother = this.wasSilent || this.isAllAnew(snapshots);
    this.wasSilent = false;
    this.running = new Map(
      snapshots.filter(({ state }) => state === "RUNNING").map(({ instance, pid }) => [instance, pid]),
    );
    if (supervisorPid !== undefined) this.pid = supervisorPid;
    // A supervisord that was never known cannot be distinguished from another.
    else if (mayBeAnother && this.pid !== undefined) {
      const asked = await this.questions.askPid();
      this.pid = asked.kind === "known" ? asked.pid : undefined;
    }
    return this.pid;
  }

  /** @returns whether a supervisord that has answered before has ended, or is about to */
  async silent(silence: DaemonSilence | undefined): Promise<boolean> {
    this.wasSilent = true;
    if (!this.running || silence === undefined) return false;
    if (silence === "shutting_down" || this.pid === undefined) return true;
    // The socket of one that lives may have been removed.
    const { access, timeoutMs } = this.questions;
    const outcome = await access.run(["sh", "-c", SCRIPT, "sh", String(this.pid)], { timeoutMs });
    return outcome.kind === "exited" && ["other", "gone"].includes(outcome.stdout.trim().split("\n").at(-1) ?? "");
  }

  /** A process that is still on its pid is the child of the supervisord that started it. */
  private isAllAnew(snapshots: readonly ProcessSnapshot[]): boolean {
    if (!this.running || this.running.size === 0) return false;
    return !snapshots.some(({ instance, pid }) => pid !== undefined && this.running?.get(instance) === pid);
  }
}
