import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { isNotStarted, type ProcessSnapshot } from "../domain/process-state.ts";
import { worksOf, type Rollout } from "../domain/rollout.ts";

interface Supervisor {
  /** As known last. */
  pid: number | undefined;
  /** How often it was found to be another one, or reloaded. */
  restarts: number;
  /** What was found the last time, for people. */
  restart: string | undefined;
  /** The last look that said anything of it said that it has ended. */
  hasEnded: boolean;
  /** What was seen RUNNING last, on which pid. */
  readonly running: Map<InstanceName, number | undefined>;
  /** What this rollout updates: that one of these pids makes way for a process that is not started shows nothing. */
  readonly updated: Map<InstanceName, number | undefined>;
}

/**
 * Knows of each host whether its supervisord is still the one of the preview. Another one is known by its pid; the same
 * one after a reload, or where the pid is unknown, by what it has "Not started" although it was RUNNING before, while
 * nothing else is still on its pid.
 */
export class Supervisors {
  private readonly emit: (event: RolloutEvent) => void;
  private readonly hosts = new Map<HostName, Supervisor>();

  constructor(rollout: Rollout, emit: (event: RolloutEvent) => void) {
    this.emit = emit;
    for (const { host, batches } of worksOf(rollout)) {
      const supervisor = this.of(host);
      supervisor.pid = rollout.supervisor_pids?.[host];
      for (const { instances } of batches)
        for (const { instance, before } of instances)
          if (before.state === "RUNNING") supervisor.running.set(instance, before.pid);
    }
  }

  observe(host: HostName, outcome: LookOutcome): void {
    const supervisor = this.of(host);
    if (outcome.kind !== "seen") {
      supervisor.hasEnded ||= outcome.kind === "unavailable" && outcome.hasEnded === true;
      return;
    }
    const { snapshots, supervisorPid: pid } = outcome;
    const previous = supervisor.pid;
    const isAnother = pid !== undefined && previous !== undefined && pid !== previous;
    if (isAnother || supervisor.hasEnded || wasReloaded(supervisor, snapshots)) {
      supervisor.restarts++;
      supervisor.restart = restartText(previous, pid);
      const pids = { ...(pid !== undefined && { pid }), ...(previous !== undefined && { previous_pid: previous }) };
      this.emit({ type: "host.supervisor_restarted", host, ...pids });
    }
    supervisor.hasEnded = false;
    supervisor.pid = pid ?? previous;
    supervisor.running.clear();
    for (const { instance, state, pid: its } of snapshots)
      if (state === "RUNNING") supervisor.running.set(instance, its);
  }

  /** The group that has these is about to be updated: its instances are new ones then. */
  updates(host: HostName, instances: readonly InstanceName[]): void {
    const { running, updated } = this.of(host);
    for (const instance of instances) if (running.has(instance)) updated.set(instance, running.get(instance));
  }

  /** How often the host's supervisord was found restarted. */
  restartsOf(host: HostName): number {
    return this.hosts.get(host)?.restarts ?? 0;
  }

  /** Its last restart, if it had one since the preview: `supervisord was restarted (pid 12, previously 7)`. */
  restartOf(host: HostName): string | undefined {
    return this.hosts.get(host)?.restart;
  }

  private of(host: HostName): Supervisor {
    const known = this.hosts.get(host);
    if (known) return known;
    const supervisor = {
      pid: undefined,
      restarts: 0,
      restart: undefined,
      hasEnded: false,
      running: new Map(),
      updated: new Map(),
    };
    this.hosts.set(host, supervisor);
    return supervisor;
  }
}

/** Supervisor says "Not started" of what this supervisord, or this load of its configuration, has never started. */
function wasReloaded({ running, updated }: Supervisor, snapshots: readonly ProcessSnapshot[]): boolean {
  const isNew = snapshots.some((snapshot) => {
    const { instance } = snapshot;
    const isByUpdate = updated.has(instance) && updated.get(instance) === running.get(instance);
    return running.has(instance) && !isByUpdate && isNotStarted(snapshot);
  });
  // `supervisorctl update` makes one group new, and leaves the others alone.
  return isNew && !snapshots.some(({ instance, pid }) => pid !== undefined && running.get(instance) === pid);
}

function restartText(previous: number | undefined, pid: number | undefined): string {
  if (pid === undefined) return "supervisord was restarted";
  if (pid === previous) return `supervisord has reloaded its configuration (on pid ${pid})`;
  return `supervisord was restarted (pid ${pid}${previous === undefined ? "" : `, previously ${previous}`})`;
}
