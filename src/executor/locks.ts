import type { Refusal } from "../domain/failures.ts";
import { programOf, type HostName, type ProgramName } from "../domain/ids.ts";
import { worksOf, type Rollout, type Warning } from "../domain/rollout.ts";
import type { FleetHost, HostLock, LockHolder, LockOwner, TakeOutcome } from "./ports.ts";

type Locked = ReadonlyMap<HostName, { readonly lock: HostLock }>;

/** How many hosts are got ready while the lock of another is taken: enough to hide what the first steps on a host take. */
const PREPARED_AHEAD = 8;

/**
 * Takes the locks of all hosts that a rollout works on, one after the other in an order that is the same for
 * everybody: of two operators who begin at once one gets on. If one is refused, all are released.
 * @param owner who takes them
 * @returns why they could not be had; nothing if they are held now
 */
export async function takeLocks(fleet: Locked, rollout: Rollout, owner: LockOwner): Promise<Refusal | undefined> {
  const wanted = [...groupsByHost(rollout)].flatMap(([host, groups]) => {
    const lock = fleet.get(host)?.lock;
    return lock ? [{ host, lock, groups: rollout.lock.mode === "off" ? [] : groups }] : [];
  });
  for (const { lock, groups } of wanted.slice(0, PREPARED_AHEAD)) lock.prepare(groups);
  for (const [index, { host, lock, groups }] of wanted.entries()) {
    const ahead = wanted[index + PREPARED_AHEAD];
    ahead?.lock.prepare(ahead.groups);
    const outcome = await lock.take(groups);
    if (outcome.kind === "held") continue;
    await Promise.all([...fleet.values()].map(({ lock }) => lock.release()));
    return refusalOf(host, outcome, owner);
  }
  return undefined;
}

/** The warnings of a dry run about locks that a run would be refused for. */
export async function lockWarnings(fleet: ReadonlyMap<HostName, FleetHost>, rollout: Rollout): Promise<Warning[]> {
  if (rollout.lock.mode === "off") return [];
  const found = [...groupsByHost(rollout)].map(async ([host, groups]) => {
    const holders = (await fleet.get(host)?.locks.owners(groups)) ?? [];
    return holders.map((holder) => ({ host, message: `a run would be refused: ${heldBy(holder)}` }));
  });
  return (await Promise.all(found)).flat();
}

/** In the order of their names, which all plans share. */
function groupsByHost(rollout: Rollout): Map<HostName, ProgramName[]> {
  const groups = new Map<HostName, Set<ProgramName>>();
  for (const { host, batches } of worksOf(rollout)) {
    const ofHost = groups.get(host) ?? new Set();
    groups.set(host, ofHost);
    for (const { instances } of batches) for (const { instance } of instances) ofHost.add(programOf(instance));
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([host, ofHost]) => [host, [...ofHost].sort()]));
}

function refusalOf(host: HostName, outcome: Exclude<TakeOutcome, { kind: "held" }>, us: LockOwner): Refusal {
  if (outcome.kind === "unavailable") return { code: "lock_unavailable", host, reason: outcome.reason };
  if (outcome.holder.owner?.rollout !== us.rollout) return { code: "locked", host, reason: heldBy(outcome.holder) };
  const { group, owner } = outcome.holder;
  if (owner.host === host) {
    const reason = `${group} is still locked by an earlier connection of this rollout: it was lost, and the host has not noticed that yet`;
    return { code: "locked", host, reason };
  }
  const other = owner.host === undefined ? "" : `: ${owner.host}`;
  const reason = `its ${group} is already locked by this rollout, under another name${other}`;
  return { code: "two_names", host, reason };
}

function heldBy({ group, owner }: LockHolder): string {
  if (!owner) return `${group} is locked by an unidentified holder`;
  const why = owner.reason === undefined ? "" : `: ${owner.reason}`;
  return `${group} has been locked by ${owner.who} since ${owner.since} (rollout ${owner.rollout})${why}`;
}
