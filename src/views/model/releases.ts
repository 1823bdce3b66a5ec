import { keyOf, type HostName, type InstanceKey, type InstanceName } from "../../domain/ids.ts";
import { worksOf } from "../../domain/rollout.ts";
import type { InstanceStatus } from "./status.ts";
import type { RolloutModel } from "./rollout-model.ts";

/** `old`: reverted, or never touched. `unknown`: only a look at it shows which. */
export const RELEASES = ["old", "new", "unknown"] as const;

export type Release = (typeof RELEASES)[number];

/** An instance, or a host on which nothing was touched. */
export interface Serving {
  readonly host: HostName;
  readonly instance?: InstanceName;
}

const AFTER: Readonly<Record<InstanceStatus, Release>> = {
  healthy: "old",
  failed: "unknown",
  indeterminate: "unknown",
  under_restart: "unknown",
  skipped: "unknown",
  untouched: "new",
};

/** Which release every host is on after a revert; undefined for any other rollout. */
export function releasesAfter(model: RolloutModel): ReadonlyMap<Release, readonly Serving[]> | undefined {
  const { planned, instances } = model;
  if (planned?.reverts === undefined) return undefined;
  const all = new Map<InstanceKey, Serving & { readonly release: Release }>();
  const set = (host: HostName, instance: InstanceName, release: Release) =>
    void all.set(keyOf({ host, instance }), { host, instance, release });
  const statusOf = (host: HostName, instance: InstanceName) => instances.statusOf(host, instance) ?? "untouched";
  for (const { host, instance } of planned.proven)
    set(host, instance, statusOf(host, instance) === "failed" ? "unknown" : "old");
  for (const { host, batches } of worksOf(planned))
    for (const { instance, action, failed_as } of batches.flatMap((batch) => batch.instances)) {
      const status = statusOf(host, instance);
      // An earlier part of the revert, or the reverted rollout, has left it so that nobody knows.
      const isUnknown =
        action === "gate" || failed_as === "indeterminate" || (failed_as && planned.resumes !== undefined);
      set(host, instance, status === "untouched" && isUnknown ? "unknown" : AFTER[status]);
    }
  for (const { host, as, instances: left } of planned.left_open ?? [])
    for (const instance of left) set(host, instance, as === "untouched" ? "new" : "unknown");
  const hosts = (planned.untouched_hosts ?? []).map((host) => ({ host, release: "old" as const }));
  const serving = [...hosts, ...all.values()];
  return new Map(
    RELEASES.map((release) => [
      release,
      serving.filter((one) => one.release === release).map(({ release: _, ...place }) => place),
    ]),
  );
}
