import type { EventOf } from "../../domain/events.ts";
import type { HostName } from "../../domain/ids.ts";
import type { BatchProgress, HostProgress } from "./progress.ts";
import { sortHost } from "./progress.ts";

type HostEvent = EventOf<
  "host.connected" | "host.unreachable" | "host.resting" | "host.finished" | "host.supervisor_restarted"
>;

/** The hosts of a rollout: which of them answer, and the progress of those that have their turn. */
export class Hosts {
  readonly connected = new Set<HostName>();
  /** Hosts that cannot be reached now, and why: `unreachable: connect ETIMEDOUT`. */
  readonly unreachable = new Map<HostName, string>();
  /** Hosts whose supervisord was restarted, and its last restart. */
  readonly supervisorRestarts = new Map<HostName, EventOf<"host.supervisor_restarted">>();
  /** Each host in the batch that has its turn, or had it last. */
  private readonly current = new Map<HostName, HostProgress>();

  startBatch({ hosts }: BatchProgress): void {
    for (const host of hosts) this.current.set(host.name, host);
  }

  get(name: HostName): HostProgress | undefined {
    return this.current.get(name);
  }

  apply(event: HostEvent, nowMs: number): void {
    const host = this.current.get(event.host);
    switch (event.type) {
      case "host.supervisor_restarted":
        this.supervisorRestarts.set(event.host, event);
        return;
      case "host.connected":
        this.connected.add(event.host);
        this.unreachable.delete(event.host);
        break;
      case "host.unreachable":
        this.unreachable.set(event.host, `${event.code.replaceAll("_", " ")}: ${event.reason}`);
        break;
      case "host.resting":
        if (host) host.restingUntilMs = nowMs + event.ms;
        if (host) host.started = true;
        break;
      case "host.finished":
        if (host) host.ended = true;
        if (host) host.started = true;
    }
    if (host) this.sort(host);
  }

  start(host: HostProgress): void {
    host.started = true;
    this.sort(host);
  }

  private sort(host: HostProgress): void {
    sortHost(host, this.unreachable.has(host.name));
  }
}
