import { keyOf, type HostName } from "../../domain/ids.ts";
import {
  worksOf,
  type DrainedGroup,
  type LeftDrained,
  type Rollout,
  type Warning,
  type Wave,
} from "../../domain/rollout.ts";
import type { HookName } from "../../domain/settings.ts";
import { hostsOfHook } from "../../domain/wave-hooks.ts";
import { plannedIn } from "./capacity.ts";

/**
 * Gives the after_batch and after_wave hooks of a resume also the hosts that the resumed rollouts have left out of service
 * together, where it has work in their group. Those with instances that it leaves open stay out, as do those that the command line
 * leaves out.
 *
 * @param hosts those of the plan, as the command line has narrowed it
 */
export function withLeftDrained(
  waves: readonly Wave[],
  { left_drained, left_open = [] }: Pick<Rollout, "left_drained" | "left_open">,
  hosts: readonly { readonly name: HostName }[],
): readonly Wave[] {
  if (!left_drained?.batches && !left_drained?.waves) return waves;
  const open = new Set(left_open.map(({ host }) => host));
  const mayBeBack = new Set(hosts.map(({ name }) => name).filter((host) => !open.has(host)));
  const ofGroup = (left: readonly DrainedGroup[] = [], index: number) => {
    const group = waves[index]?.group;
    // Of several waves of a group, the first.
    if (waves.findIndex((wave) => wave.group === group) !== index) return [];
    return left.filter((one) => one.group === group).flatMap((one) => one.hosts.filter((host) => mayBeBack.has(host)));
  };
  return waves.map((wave, index) => {
    const ofWave = wave.hooks?.after_wave
      ? lacking(ofGroup(left_drained.waves, index), hostsOfHook("before_wave", wave))
      : [];
    const ofBatches = wave.hooks?.after_batch ? ofGroup(left_drained.batches, index) : [];
    return { ...withBatches(wave, ofBatches), ...(ofWave.length > 0 && { left_drained: ofWave }) };
  });
}

/** The first batch that has one of these hosts puts back all of them, else the first of all. */
function withBatches(wave: Wave, left: readonly HostName[]): Wave {
  const has = ({ hosts }: Wave["batches"][number]) => hosts.some(({ host }) => left.includes(host));
  const first = wave.batches.find(has) ?? wave.batches[0];
  const more = lacking(left, first?.hosts.map(({ host }) => host) ?? []);
  if (more.length === 0) return wave;
  return {
    ...wave,
    batches: wave.batches.map((batch) => (batch === first ? { ...batch, left_drained: more } : batch)),
  };
}

function lacking(hosts: readonly HostName[], known: readonly HostName[]): HostName[] {
  return hosts.filter((host) => !known.includes(host));
}

/**
 * Hosts and instances that may still be drained and that this rollout does not touch, because they were stopped or are
 * not selected: nothing puts them back into service.
 */
export function drainWarnings(
  { instances, hosts, batches = [], waves: ofWaves = [] }: LeftDrained,
  waves: readonly Wave[],
): Warning[] {
  const worked = new Set([...worksOf({ waves })].map(({ host }) => host));
  const planned = plannedIn(waves);
  const left = instances.filter(({ host, instance }) => !planned.has(keyOf({ host, instance })));
  const isBack = (hook: "after_batch" | "after_wave", group: string, host: HostName) =>
    waves.some((wave) => wave.group === group && wave.hooks?.[hook] && putBack(hook, wave).includes(host));
  const ofGroups = (drained: readonly DrainedGroup[], drains: HookName, undoes: "after_batch" | "after_wave") =>
    drained.flatMap(({ group, hosts: some }) =>
      some
        .filter((host) => !isBack(undoes, group, host))
        .map((host) => ({ host, message: stillDrained(drains, undoes, ` for ${group}`) })),
    );
  return [
    ...left.map(({ host, instance }) => ({ host, instance, message: stillDrained("before_restart", "after_healthy") })),
    ...hosts
      .filter((host) => !worked.has(host))
      .map((host) => ({ host, message: stillDrained("before_host", "after_host") })),
    ...ofGroups(batches, "before_batch", "after_batch"),
    ...ofGroups(ofWaves, "before_wave", "after_wave"),
  ];
}

function stillDrained(drains: HookName, undoes: HookName, where = ""): string {
  return `it may still be drained (${drains} started${where} and ${undoes} did not succeed), and this rollout leaves it alone: put it back into service by hand`;
}

/** All hosts that a hook of a wave, or of any of its batches, is about. */
function putBack(hook: "after_batch" | "after_wave", wave: Wave): HostName[] {
  if (hook === "after_wave") return hostsOfHook(hook, wave);
  return wave.batches.flatMap((_, index) => hostsOfHook(hook, wave, index + 1));
}
