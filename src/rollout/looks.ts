import type { HostName } from "../domain/ids.ts";
import type { Command } from "./messages.ts";

/**
 * Sees to it that at most one look per host is on its way: one answers for all instances of the host.
 * A request made while a look is in flight needs a newer answer, so another look follows.
 */
export class Looks {
  private readonly issue: (command: Command) => void;
  private readonly inFlight = new Map<HostName, { readonly issuedAtMs: number; needsAnother: boolean }>();

  constructor(issue: (command: Command) => void) {
    this.issue = issue;
  }

  request(host: HostName, nowMs: number): void {
    const look = this.inFlight.get(host);
    if (look) {
      // One that was sent in this very moment is as young as another would be.
      look.needsAnother ||= look.issuedAtMs < nowMs;
      return;
    }
    this.inFlight.set(host, { issuedAtMs: nowMs, needsAnother: false });
    this.issue({ type: "look", host });
  }

  /** When the look that is on its way was sent. */
  issuedAtMs(host: HostName): number | undefined {
    return this.inFlight.get(host)?.issuedAtMs;
  }

  /** When the look that has come back was sent. */
  arrived(host: HostName, nowMs: number): number {
    const look = this.inFlight.get(host);
    this.inFlight.delete(host);
    if (look?.needsAnother) this.request(host, nowMs);
    return look?.issuedAtMs ?? nowMs;
  }
}
