import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import type { SimSpawn } from "../sim-process.ts";
import { failedIn, processOf, settingsOf, type Trial, type Witness } from "./trial.ts";

/** So long before the end of a pause a look must have shown it: they come every few seconds, and one may be slow. */
const NOTICED_MS = 40_000;

/** In a pause nothing that was proven ends unnoticed, but with an exit that Supervisor expects and the plan accepts. */
export class Exits implements Witness {
  private readonly trial: Trial;
  private readonly proven = new Map<string, EventOf<"instance.healthy">>();
  private pausedAtMs: number | undefined;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.healthy") this.proven.set(keyOf(event), event);
    else if (event.type === "instance.failed") for (const key of failedIn(event)) this.proven.delete(key);
    else if (event.type === "rollout.paused") this.pausedAtMs ??= this.trial.made.time.now;
    else if (event.type === "rollout.resumed") this.judgePause();
  }

  private judgePause(): void {
    const { pausedAtMs: fromMs = Infinity } = this;
    this.pausedAtMs = undefined;
    const untilMs = this.trial.made.time.now - NOTICED_MS;
    for (const [key, event] of this.proven) {
      const process = processOf(this.trial, event);
      // What cannot be seen has not regressed.
      if (!process || event.pid === undefined || this.trial.made.troubles.haveBefallen(event.host)) continue;
      const isOnce = process.isOneShot;
      const mayExit = isOnce || settingsOf(this.trial, event)?.on_expected_exit === "accept";
      const isBad = ({ endedAtMs = -1, end }: SimSpawn) =>
        endedAtMs >= fromMs && endedAtMs <= untilMs && !(end === "expected" && mayExit);
      const bad = process.spawns.slice(process.spawns.findLastIndex(({ pid }) => pid === event.pid)).find(isBad);
      if (bad) this.trial.fail(`${key} passes for healthy after the end of pid ${bad.pid}, which was ${bad.end}`);
    }
  }
}
