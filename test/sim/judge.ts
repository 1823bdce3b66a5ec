import { scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

/** A rollout takes longer than this only if it waits for ever. */
const LONGEST_MS = 24 * 3_600_000;

/** Runs the scenario of a seed and says what was promised and not kept: nothing, if all is well. */
export function judge(seed: number, { faults = true } = {}): string[] {
  const { time, fleet, planned, sizes, options, interruptAtMs } = scenario(seed, { faults });
  const violations: string[] = [];
  const floor = planned.limits.floors[0]?.min_healthy ?? 0;
  const betweenChecksMs = planned.waves[0]?.batches[0]?.hosts[0]?.timings.between_checks_ms ?? 0;
  const underRestart = new Map<string, Set<string>>();
  const fates = new Map<string, string>();
  /** What our own doing took down, and has not brought up. */
  const down = new Set<string>();
  let stopped = false;
  let lastRestMs: number | undefined;

  /** Running, or broken so shortly before that no look can have shown it yet. */
  function healthyBesides(key: string): number {
    let count = 0;
    for (const [host, processes] of fleet.hosts)
      for (const [instance, process] of processes) {
        const other = `${host} ${instance}`;
        if (other === key || down.has(other)) continue;
        const unseen = time.now - process.brokeAtMs <= betweenChecksMs + 31_000;
        if (process.state === "RUNNING" || unseen) count++;
      }
    return count;
  }

  const fail = (what: string) => violations.push(`${(time.now / 1000).toFixed(1)} s: ${what}`);

  function settle(key: string, fate: string): void {
    const earlier = fates.get(key);
    const allowed =
      earlier === undefined ||
      (earlier === "healthy" && fate === "failed") ||
      (earlier === "skipped" && fate === "failed");
    if (!allowed) fail(`${key} is ${fate} after it was ${earlier}`);
    fates.set(key, fate);
  }

  const restarts = new Map<string, number>();
  const run = simulate(planned, fleet, time, {
    ...options,
    onChange: (command) => {
      const fate = options.onChange?.(command) ?? { kind: "arrives" };
      const key = `${command.host} ${command.instance}`;
      // One that never arrived did nothing, and a start restarts nothing.
      const restarted = command.action === "restart" && (fate.kind === "arrives" || fate.kind === "lost_under_way");
      if (restarted) restarts.set(key, (restarts.get(key) ?? 0) + 1);
      if ((restarts.get(key) ?? 0) > 1) fail(`${key} was restarted twice`);
      return fate;
    },
    onEvent(event, tell) {
      if (event.type === "rollout.started" && interruptAtMs !== undefined)
        time.at(interruptAtMs, () => tell({ type: "interrupted", signal: "SIGINT" }));
      if (event.type === "rollout.halted" || event.type === "rollout.interrupted") stopped = true;
      if (event.type === "host.resting" || event.type === "batch.resting") lastRestMs = time.now;
      // Drained is down, from the end of one hook to the end of the other.
      if (event.type === "hook.finished" && event.instance !== undefined && event.succeeded) {
        const key = `${event.host} ${event.instance}`;
        if (event.hook === "before_restart") down.add(key);
        else down.delete(key);
      }
      if (event.type === "instance.restarting") {
        const key = `${event.host} ${event.instance}`;
        down.add(key);
        if (stopped) fail(`${key} was restarted after the rollout had stopped`);
        if (fates.get(key) === "healthy") fail(`${key} was restarted again once healthy`);
        const others = healthyBesides(key);
        const wasHealthy = fleet.process(event.host, event.instance).state === "RUNNING";
        if (wasHealthy && others < floor) fail(`${key} was stopped with ${others} others healthy, below ${floor}`);
        const onHost = underRestart.get(event.host) ?? new Set();
        underRestart.set(event.host, onHost.add(event.instance));
        if (onHost.size > sizes.instancesAtOnce) fail(`${onHost.size} instances under restart on ${event.host}`);
        if (underRestart.size > sizes.hostsAtOnce) fail(`${underRestart.size} hosts under restart`);
      }
      if (event.type === "instance.healthy" || event.type === "instance.failed" || event.type === "instance.skipped") {
        settle(`${event.host} ${event.instance}`, event.type.slice("instance.".length));
        if (event.type === "instance.healthy") {
          if (!sizes.hooks.after_healthy) down.delete(`${event.host} ${event.instance}`);
          const { stopsAtMs, pid } = fleet.process(event.host, event.instance);
          if (stopsAtMs.length === 0)
            fail(`${event.host} ${event.instance} passes for healthy and was never restarted`);
          if (event.pid === event.previous_pid)
            fail(`${event.host} ${event.instance} is healthy on its old pid ${pid}`);
        }
        const onHost = underRestart.get(event.host);
        onHost?.delete(event.instance);
        if (onHost?.size === 0) underRestart.delete(event.host);
      }
    },
  });

  if (run.outcome === undefined) fail("it never ended");
  if (time.now > LONGEST_MS) fail("it took longer than a day");
  const finished = run.events.at(-1);
  if (finished?.type === "rollout.finished") {
    const counted = { healthy: 0, failed: 0, skipped: 0 };
    for (const fate of fates.values()) counted[fate as keyof typeof counted]++;
    const { untouched, ...told } = finished.counts;
    if (JSON.stringify(counted) !== JSON.stringify(told))
      fail(`counted ${JSON.stringify(counted)}, told ${JSON.stringify(told)}`);
    if (run.outcome !== "halted" && told.failed > sizes.maxFailures)
      fail(`it was not halted by ${told.failed} failures, with ${sizes.maxFailures} tolerated`);
    const total = told.healthy + told.failed + told.skipped + untouched;
    if (total !== sizes.hosts * sizes.instances)
      fail(`${total} of ${sizes.hosts * sizes.instances} instances are accounted for`);
    if (!faults && floor < sizes.hosts * sizes.instances && run.outcome !== "succeeded")
      fail(`without faults it ended ${run.outcome}`);
    if (run.outcome === "succeeded" && untouched > 0) fail(`it succeeded with ${untouched} untouched`);
    if (
      run.outcome === "succeeded" &&
      lastRestMs !== undefined &&
      !run.events.some(({ type, atMs }) => type === "instance.restarting" && atMs >= lastRestMs!)
    )
      fail("it rested after the last restart");
  }
  return violations;
}
