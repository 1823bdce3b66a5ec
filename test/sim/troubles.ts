import { type HostName, type InstanceName, keyOf } from "../../src/domain/ids.ts";

/** Whom something has befallen, or will: only of these a failure is no false alarm. */
export class Troubles {
  private readonly hosts = new Set<HostName>();
  private readonly instances = new Set<string>();

  /** Without an instance the whole host. */
  befall(host: HostName, instance?: InstanceName): void {
    if (instance === undefined) this.hosts.add(host);
    else this.instances.add(keyOf({ host, instance }));
  }

  haveBefallen(host: HostName, instance?: InstanceName): boolean {
    return this.hosts.has(host) || (instance !== undefined && this.instances.has(keyOf({ host, instance })));
  }
}
