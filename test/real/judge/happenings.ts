/** One thing that happened to a process, as supervisord's own log has it, or the ledger of the stubs. */
export interface Happening {
  /** Unix milliseconds by the host's clock. */
  readonly at: number;
  /**
   * `asked`: supervisord was told to stop it. `stopped`: it ended, as asked. `ended`: it ended by itself.
   * `gave_up`: FATAL. `running`: it has been up for startsecs.
   */
  readonly what: "spawned" | "running" | "asked" | "stopped" | "ended" | "gave_up";
  /** Of the process, without its group. */
  readonly name: string;
  /** Of `ended`: whether Supervisor calls the exit expected. */
  readonly expected?: boolean;
}

const line = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (?:INFO|WARN|CRIT|ERRO) (.*)$/;

const kinds: readonly (readonly [RegExp, Happening["what"]])[] = [
  [/^spawned: '(?<name>.+)' with pid \d+$/, "spawned"],
  [/^success: (?<name>.+) entered RUNNING state/, "running"],
  [/^waiting for (?<name>.+) to stop$/, "asked"],
  [/^stopped: (?<name>.+) \(/, "stopped"],
  [/^exited: (?<name>.+) \(.*(?<expected>; expected|; not expected)\)$/, "ended"],
  [/^gave up: (?<name>.+) entered FATAL state/, "gave_up"],
];

/**
 * Reads supervisord's log. It may stand among other output, and may have each line twice (on /dev/stdout, which is its own).
 * What comes after supervisord was asked to end is left out: it stops everything then.
 *
 * @returns also when that was, in Unix milliseconds
 */
export function readSupervisordLog(text: string): { happenings: Happening[]; endedAt: number | undefined } {
  const happenings: Happening[] = [];
  let last = "";
  for (const each of text.split("\n")) {
    const [, day, ms, message] = line.exec(each) ?? [];
    if (message === undefined || each === last) continue;
    last = each;
    const at = new Date(`${day}.${ms}`).getTime();
    if (/^received SIG\w+ indicating exit request/.test(message)) return { happenings, endedAt: at };
    for (const [pattern, what] of kinds) {
      const { name, expected } = pattern.exec(message)?.groups ?? {};
      if (name === undefined) continue;
      happenings.push({ at, what, name, ...(expected === undefined ? {} : { expected: expected === "; expected" }) });
    }
  }
  return { happenings, endedAt: undefined };
}

/** Reads what the stubs wrote of themselves, for a supervisord that logs nothing. */
export function readLedger(text: string): Happening[] {
  return text
    .split("\n")
    .map((each) => /^([\d.]+) (started|stopped|ended) (.+) \d+$/.exec(each))
    .filter((match) => match !== null)
    .flatMap(([, seconds, what, name = ""]): Happening[] => {
      const at = Number(seconds) * 1000;
      if (what === "started") return (["spawned", "running"] as const).map((each) => ({ at, what: each, name }));
      return [{ at, what: what === "stopped" ? ("stopped" as const) : ("ended" as const), name }];
    });
}
