import type { HostName, InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import type { KnownHistory } from "../domain/process-history.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { Command } from "./messages.ts";

type SeenLook = Extract<LookOutcome, { kind: "seen" }>;

/**
 * Keeps a look back until what it shows can be judged.
 *
 * Supervisor answers a look before it starts again what has ended: only a look that shows EXITED once more shows that it
 * stays so. And where it shows another process than was expected, supervisord's own log says how the one before has ended.
 */
export class Evidence {
  private readonly issue: (command: Command) => void;
  private readonly needsHistory: (host: HostName, snapshots: readonly ProcessSnapshot[]) => boolean;
  /** What the last look at each host showed EXITED. */
  private readonly exited = new Map<HostName, ReadonlySet<InstanceName>>();
  /** Looks that wait for what supervisord's log says. */
  private readonly unexplained = new Map<HostName, SeenLook>();

  constructor(
    issue: (command: Command) => void,
    needsHistory: (host: HostName, snapshots: readonly ProcessSnapshot[]) => boolean,
  ) {
    this.issue = issue;
    this.needsHistory = needsHistory;
  }

  /** The look, if it can be judged; undefined where more is asked for. */
  looked(host: HostName, outcome: LookOutcome): LookOutcome | undefined {
    if (outcome.kind !== "seen") return outcome;
    const { snapshots } = outcome;
    if (this.showsNewlyExited(host, snapshots)) this.issue({ type: "look", host });
    else if (!this.needsHistory(host, snapshots)) return outcome;
    else {
      this.unexplained.set(host, outcome);
      this.issue({ type: "read_history", host, instances: snapshots.map(({ instance }) => instance) });
    }
    return undefined;
  }

  /** The look that waited for this. */
  historyRead(host: HostName, histories: ReadonlyMap<InstanceName, KnownHistory>): LookOutcome | undefined {
    const look = this.unexplained.get(host);
    this.unexplained.delete(host);
    if (!look) return undefined;
    const snapshots = look.snapshots.map((snapshot) => {
      const history = histories.get(snapshot.instance);
      return history ? { ...snapshot, history } : snapshot;
    });
    return { ...look, snapshots };
  }

  private showsNewlyExited(host: HostName, snapshots: readonly ProcessSnapshot[]): boolean {
    const before = this.exited.get(host);
    const exited = new Set(snapshots.flatMap(({ instance, state }) => (state === "EXITED" ? [instance] : [])));
    this.exited.set(host, exited);
    return [...exited].some((instance) => !before?.has(instance));
  }
}
