import type { FleetReport, InstanceConfig } from "../../domain/fleet.ts";
import { keyOf, type HostName, type InstanceKey, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { SkippedInstance, Warning } from "../../domain/rollout.ts";

/** Event listeners, which are something of Supervisor's own: a pattern leaves them alone, and only their name selects them. */
export class Listeners {
  private readonly matched = new Map<InstanceKey, SkippedInstance>();
  /** Hosts on which listeners cannot be distinguished from programs. */
  private readonly unclear = new Set<HostName>();
  private readonly fleet: FleetReport;
  private readonly warnings: Warning[];

  /** @param warnings those about listeners are added to it */
  constructor(fleet: FleetReport, warnings: Warning[]) {
    this.fleet = fleet;
    this.warnings = warnings;
  }

  has(host: HostName, instance: InstanceName): boolean {
    return this.configOf(host, instance)?.is_listener === true;
  }

  /** A pattern matches it; a later selector may name it. */
  leave(host: HostName, program: ProgramName, instance: InstanceName): undefined {
    const why = "it is an event listener, and no program names it";
    this.matched.set(keyOf({ host, instance }), { host, program, instance, why });
  }

  /** Those that patterns match and nothing names. */
  left(isNamed: (listener: SkippedInstance) => boolean): SkippedInstance[] {
    return [...this.matched.values()].filter((listener) => !isNamed(listener));
  }

  /** Warns, once for each host, where it is not known of an instance that a pattern selects whether it is one. */
  warnIfUnknown(host: HostName, instance: InstanceName): void {
    const config = this.configOf(host, instance);
    if (!config || config.is_listener !== undefined || this.unclear.has(host)) return;
    this.unclear.add(host);
    const message =
      "Supervisor's configuration of some programs could not be read: if one is an event listener, a pattern selects it as well";
    this.warnings.push({ host, message });
  }

  private configOf(host: HostName, instance: InstanceName): InstanceConfig | undefined {
    const report = this.fleet.get(host);
    return report && "instances" in report ? report.config?.instances.get(instance) : undefined;
  }
}
