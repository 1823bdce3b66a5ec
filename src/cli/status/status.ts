import { setTimeout as rest } from "node:timers/promises";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { discover } from "../../executor/discovery.ts";
import { Recorder } from "../../executor/recorder.ts";
import { systemClock } from "../../executor/system-clock.ts";
import type { RecordedEvent } from "../../domain/events.ts";
import type { HostName } from "../../domain/ids.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { StatusArguments } from "../arguments/arguments.ts";
import { closeFleet, openForReading } from "../prepare/fleet.ts";
import { checksStatus } from "./checks-status.ts";
import { fleetStatus, isAsExpected, type FleetStatus } from "./fleet-status.ts";
import { loadOrReport } from "../prepare/load.ts";
import { newRolloutId } from "../prepare/journals.ts";
import { onSignals } from "../terminal/signals.ts";
import { statusLines } from "./status-table.ts";
import { endUnasked, prepareConnections, type Connections } from "../prepare/connections.ts";
import { watch, WATCH_EVERY_MS } from "./watch.ts";
import { printableJson } from "../../domain/printable.ts";

/** `orchestrate status PLAN`: shows the state of the plan's instances, once or until Ctrl-C. */
export async function status(given: StatusArguments): Promise<ExitCode> {
  if (given.watch && given.output !== "json" && !process.stdout.isTTY) {
    process.stderr.write("orchestrate: --watch needs a terminal. Elsewhere use --watch --output json\n");
    return EXIT.invalid;
  }
  const plan = loadOrReport(given);
  if (!plan) return EXIT.invalid;
  const selected = onlySelected(plan);
  const connections = await prepareConnections(selected);
  if (!connections) return endUnasked(given.plan);
  const looker = new Looker(selected, connections, given);
  const stopListening = onSignals({
    finish: () => looker.stop(),
    leave: () => process.exit(given.watch ? EXIT.done : EXIT.interrupted),
  });
  try {
    return given.watch ? await watch(looker, given.output) : await showOnce(looker, given);
  } finally {
    stopListening();
    await looker.close();
  }
}

async function showOnce(looker: Looker, given: StatusArguments): Promise<ExitCode> {
  const seen = await looker.look();
  if (!seen) return EXIT.interrupted;
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  process.stdout.write(
    given.output === "json" ? `${printableJson(seen)}\n` : `${statusLines(seen, columns).join("\n")}\n`,
  );
  if (seen.hosts.some((host) => !("instances" in host))) return EXIT.refused;
  const allPass = seen.checks?.every(({ passes }) => passes) ?? true;
  return isAsExpected(seen) && allPass ? EXIT.done : EXIT.halted;
}

/** A floor makes a plan's hosts more than the selected ones; a status is of these only. */
function onlySelected(plan: Plan): Plan {
  const selected = new Set(plan.waves.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  return { ...plan, hosts: plan.hosts.filter(({ name }) => selected.has(name)) };
}

const end = () => Promise.resolve();

/** Looks at the fleet as often as it is asked to, over the same connections. It has readers only. */
class Looker {
  private readonly plan: Plan;
  private readonly given: StatusArguments;
  private readonly fleet: ReturnType<typeof openForReading>;
  private readonly stopped = new AbortController();
  /** The hosts that have not answered in the present look. */
  readonly waitsFor = new Set<HostName>();

  constructor(plan: Plan, connections: Connections, given: StatusArguments) {
    this.plan = plan;
    this.given = given;
    this.fleet = openForReading(plan, connections);
  }

  /** Undefined once it was stopped. */
  async look(): Promise<FleetStatus | undefined> {
    const now = systemClock.now();
    // The events of discovery are not shown, but say which hosts have answered.
    const { startedBefore, program } = this.given;
    this.waitsFor.clear();
    for (const host of this.fleet.keys()) this.waitsFor.add(host);
    const recorder = new Recorder(newRolloutId(now), systemClock, [{ show: (event) => this.answered(event), end }]);
    const report = await discover(this.fleet, recorder, {
      interrupted: this.stopped.signal,
      processes: () => startedBefore !== undefined,
      // An instance that is down by its configuration is no trouble.
      withConfig: "where_down",
      histories: (_, snapshots) => snapshots.some(({ state }) => state === "EXITED"),
      atRest: {
        isAsked: () => true,
        wait: (ms) => rest(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined),
      },
    });
    if (this.stopped.signal.aborted) return undefined;
    const selection = { ...(startedBefore && { startedBefore }), programsWhereFound: program.length > 0 };
    const seen = fleetStatus(this.plan, report, systemClock.now(), selection);
    if (!this.given.checks) return seen;
    const checks = await checksStatus(this.plan, this.fleet, seen);
    return this.isStopped() ? undefined : { ...seen, checks };
  }

  /** A method, so that each call asks again: it may become true during an await. */
  private isStopped(): boolean {
    return this.stopped.signal.aborted;
  }

  private answered(event: RecordedEvent): void {
    if (event.type === "host.connected" || event.type === "host.unreachable") this.waitsFor.delete(event.host);
  }

  async lookAgain(): Promise<FleetStatus | undefined> {
    await rest(WATCH_EVERY_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    return this.stopped.signal.aborted ? undefined : this.look();
  }

  stop(): void {
    this.stopped.abort();
    void this.close();
  }

  close(): Promise<void> {
    return closeFleet(this.fleet);
  }
}
