import type { Quantity } from "../../src/domain/quantity.ts";
import { wholeGroupOf } from "../../src/domain/selector.ts";
import type { Check } from "../../src/domain/settings.ts";
import type { HostSettings, PlanWave, ProgramFloor, ProgramRule } from "../../src/planner/plan/plan.ts";
import type { SimProgram } from "./draw-programs.ts";
import type { SeededRandom } from "./random.ts";

/** What a plan gives programs one by one. */
export interface ProgramSettings {
  readonly texts: readonly string[];
  readonly rules: readonly ProgramRule[];
  readonly floors: readonly ProgramFloor[];
  /** The settings for each rule, over those of the host. */
  readonly over: (settings: HostSettings) => readonly HostSettings[];
}

const CHECK: Check = { kind: "http", url: "http://127.0.0.1:8080/own", status: 200, from: "host", timeout_ms: 5000 };

/**
 * Settings of single programs, some of which a group has besides others. They come from numbers of their own, so that the
 * other draws of a seed stay what they were.
 */
export function drawProgramSettings(
  random: SeededRandom,
  selectors: readonly string[],
  programs: readonly SimProgram[],
  hasFaults: boolean,
): ProgramSettings {
  const isOfAll = selectors.includes("*");
  const inside = programs.some(({ selector }) => selector === "app") ? ["app:web_*"] : [];
  const named = isOfAll ? [...inside, "web"] : [...inside.filter(() => selectors.includes("app")), ...selectors];
  const own = named.filter((text) => !isOfAll || text !== "web" || random.chance(0.7));
  const listed = isOfAll ? [...own, "*"] : own;
  const excluded = programs
    .map(({ selector }) => selector)
    .filter((selector) => isOfAll && !["web", "app"].includes(selector));
  const texts = [...listed, ...excluded.filter(() => random.chance(0.3)).map((selector) => `!${selector}`)];
  const exclusions = texts.filter((text) => text.startsWith("!"));
  const changes = listed.map((text) =>
    random.chance(0.6) ? drawChanges(random, text, programs, hasFaults) : undefined,
  );
  return {
    texts,
    rules: listed.map((text) => [[text, ...exclusions]]),
    floors: listed.flatMap((text): ProgramFloor[] => {
      if (text === "*" || !random.chance(0.5)) return [];
      const group = wholeGroupOf(text);
      const min_healthy: Quantity = random.pick([{ count: 0 }, { count: 1 }, { percent: 50 }]);
      return [{ selects: [text, ...exclusions], min_healthy, ...(group !== undefined && { group }) }];
    }),
    over: (settings) => changes.map((change) => (change ? { ...settings, ...change(settings) } : settings)),
  };
}

function drawChanges(
  random: SeededRandom,
  text: string,
  programs: readonly SimProgram[],
  hasFaults: boolean,
): (settings: HostSettings) => Partial<HostSettings> {
  const instances = { count: random.whole(1, 4) };
  const checks = random.pick([[], [CHECK], [{ ...CHECK, passes: 2 }]]);
  const between_restarts_ms = random.pick([0, 5000]);
  const min_healthy_time_ms = random.pick([0, 2000, 20_000]);
  const leftovers = random.pick(["fail", "warn", "ignore"] as const);
  const on_expected_exit = hasFaults && random.chance(0.2) ? "fail" : "accept";
  const hasHooks = random.chance(0.4);
  const has = Array.from({ length: 6 }, () => random.chance(0.4));
  const isOnce = programs.some(({ members }) => members.some(({ isDone }) => isDone));
  const run = "host" as const;
  return ({ timings, hooks: { before_host, after_host } }) => ({
    ...(has[0] && { instances }),
    ...(has[1] && { checks }),
    ...(has[2] && { timings: { ...timings, between_restarts_ms, min_healthy_time_ms } }),
    ...(has[3] && { leftovers }),
    ...(has[4] && { on_expected_exit }),
    ...(has[5] && {
      hooks: {
        ...(before_host && { before_host }),
        ...(after_host && { after_host }),
        ...(hasHooks && {
          before_restart: { command: "before_restart", run },
          after_healthy: { command: "after_healthy", run },
        }),
      },
    }),
    // What is STOPPED and is started has to run on: what does its work once cannot.
    ...(!isOnce && text === "web" && hasHooks && { stopped: "start" as const }),
  });
}

/** A wave with settings of its programs. */
export function withProgramSettings(wave: PlanWave, { texts, rules, floors, over }: ProgramSettings): PlanWave {
  return {
    ...wave,
    programs: texts,
    rules,
    floors,
    hosts: wave.hosts.map(({ host, settings }) => ({ host, settings, byRule: over(settings) })),
  };
}
