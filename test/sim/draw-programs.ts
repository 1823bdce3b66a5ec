import type { InstanceName } from "../../src/domain/ids.ts";
import type { SeededRandom } from "./random.ts";
import { defaultConfig, healthy, type SimBehaviour, type SimConfig } from "./sim-process.ts";

/** One instance, as every host has it. */
export interface SimMember {
  readonly instance: InstanceName;
  readonly behaviour: SimBehaviour;
  readonly config: SimConfig;
  /** It has run before the story begins, and has done its work. */
  readonly isDone: boolean;
}

/** A Supervisor group as every host has it. */
export interface SimProgram {
  /** As a plan may select it. */
  readonly selector: string;
  readonly members: readonly SimMember[];
  /** A plan that does not take all by a pattern names it. */
  readonly isNamed: boolean;
}

/** The programs of all hosts: servers, workers, groups of both, what runs once, and what listens to Supervisor's events. */
export function drawPrograms(random: SeededRandom): SimProgram[] {
  const hasPriorities = random.chance(0.4);
  const priority = () => (hasPriorities ? random.whole(1, 5) : defaultConfig.priority);
  const group = (name: string, processes: readonly string[]): SimProgram => {
    const config = { ...defaultConfig, autostart: !random.chance(0.2), groupPriority: priority() };
    const members = processes.map((process): SimMember => {
      const instance = `${name}:${process}` as InstanceName;
      return { instance, behaviour: healthy, config: { ...config, priority: priority() }, isDone: false };
    });
    return { selector: name, members, isNamed: true };
  };
  const numbered = (name: string, most: number) =>
    group(
      name,
      Array.from({ length: random.whole(1, most) }, (_, index) => String(index)),
    );
  const programs = [numbered("web", random.chance(0.5) ? 6 : 3)];
  if (random.chance(0.35)) programs.push(numbered("queue", 2));
  if (random.chance(0.3)) programs.push(worker(random, numbered("worker", 2)));
  if (random.chance(0.2)) {
    const app = group("app", ["celery", "web_0", "web_1"].slice(random.whole(0, 1)));
    const [{ config } = { config: defaultConfig }] = app.members;
    const migrate = oneShot(random, "app:migrate", config.groupPriority);
    programs.push(random.chance(0.4) ? { ...app, members: [...app.members, migrate] } : app);
  }
  if (random.chance(0.15))
    programs.push({ selector: "migrate", members: [oneShot(random, "migrate")], isNamed: random.chance(0.3) });
  if (random.chance(0.15))
    programs.push({ selector: "crashmail", members: [listener("crashmail")], isNamed: random.chance(0.3) });
  return programs;
}

/** It exits by design and is started again. It lives for longer than any gate takes. */
function worker(random: SeededRandom, program: SimProgram): SimProgram {
  const behaviour = { ...healthy, completesAfterMs: random.whole(150_000, 400_000) };
  return { ...program, members: program.members.map((member) => ({ ...member, behaviour })) };
}

/** It does its work and ends, and is not started again. */
function oneShot(random: SeededRandom, instance: string, groupPriority = defaultConfig.groupPriority): SimMember {
  return {
    instance: instance as InstanceName,
    behaviour: { ...healthy, startsecsMs: 0, completesAfterMs: random.whole(100, 20_000) },
    config: { ...defaultConfig, autostart: random.chance(0.5), autorestart: false, groupPriority },
    isDone: true,
  };
}

function listener(instance: string): SimMember {
  const config = { ...defaultConfig, priority: -1, groupPriority: -1, isListener: true };
  return { instance: instance as InstanceName, behaviour: healthy, config, isDone: false };
}
