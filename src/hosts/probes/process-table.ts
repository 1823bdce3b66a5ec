import type { HostProcess, ProcessesOutcome, ProcessQuery } from "../../domain/host-process.ts";
import type { HostAccess, ProcessTable, RunOutcome } from "../../executor/ports.ts";
import { shownCommand } from "./shown-command.ts";

/** It is read in hundredths of a second, whatever runs on the host. */
const TIMEOUT_MS = 10_000;

/**
 * Prints what Linux's process table has of the processes of some groups and sessions ($1) and of some pids ($2): all of
 * it is read at once, and filtered here, since a host may have thousands.
 * - proc(5): a name is in parentheses and may hold anything, a line break as well. So it is the last line of a file that
 *   counts, from its last parenthesis on: state, parent, group, session, and at 20 the start in ticks since boot.
 * - The age is reckoned from the start of the awk itself: containers may be shown an uptime of their own.
 * - What a shell profile prints stands before the first line, maybe without a line break; the last line says that
 *   nothing was cut off.
 */
const SCRIPT = `
echo
cd /proc && [ -r self/stat ] || { echo "no process table in /proc" >&2; exit 1; }
hz=$(getconf CLK_TCK 2>/dev/null) || hz=100
awk -v groups=" $1 " -v pids=" $2 " -v hz="$hz" '
function read_stat(file,    line, last) {
  last = ""
  while ((getline line < file) > 0) last = line
  close(file)
  sub(/^.*\\) /, "", last)
  return split(last, stat, " ") >= 20
}
BEGIN {
  if (!read_stat("self/stat")) exit 1
  now = stat[20]
  for (i = 1; i < ARGC; i++) {
    if (!read_stat(ARGV[i] "/stat") || stat[1] ~ /[ZX]/) continue
    if (index(groups, " " stat[3] " ") || index(groups, " " stat[4] " ") || index(pids, " " ARGV[i] " "))
      printf "%d %d %d %d %.2f\\n", ARGV[i], stat[2], stat[3], stat[4], (now - stat[20]) / hz
  }
}' [0-9]* | {
  while read -r pid rest; do
    command=$(tr '\\000-\\037\\177' ' ' <"$pid/cmdline" 2>/dev/null | cut -b-500)
    [ -n "$command" ] || command="[$(cat "$pid/comm" 2>/dev/null)]"
    [ "$command" = "[]" ] && continue
    printf 'process %s %s %s\\n' "$pid" "$rest" "$command"
  done
  echo "process table read"
}
`;

const END = "process table read";
const LINE = /^process (\d+) (\d+) (\d+) (\d+) (-?\d+\.\d+) (.*)$/;

/** Reads a host's process table as its login sees it: /proc shows all processes, unless it is mounted with hidepid. */
export function createProcessTable(access: HostAccess, commandTimeoutMs: number): ProcessTable {
  const timeoutMs = Math.min(TIMEOUT_MS, commandTimeoutMs);
  return {
    async look(query) {
      return toOutcome(await access.run(processArgv(query), { timeoutMs }));
    },
  };
}

function processArgv({ groups, pids }: ProcessQuery) {
  return ["sh", "-c", SCRIPT, "sh", groups.join(" "), pids.join(" ")] as const;
}

function toOutcome(outcome: RunOutcome): ProcessesOutcome {
  switch (outcome.kind) {
    case "exited": {
      const processes = parseProcesses(outcome.stdout);
      if (processes) return { kind: "seen", processes };
      const said = outcome.stderr.trim().split("\n").at(-1) ?? "";
      return { kind: "unavailable", reason: said === "" ? `exit code ${outcome.code}` : said };
    }
    case "signalled":
      return { kind: "unanswered", reason: `it was ended by ${outcome.signal}` };
    case "timed_out":
      return { kind: "unanswered", reason: `no answer within ${outcome.afterMs / 1000} s` };
    case "unreachable":
    case "indeterminate":
      return { kind: "unanswered", reason: outcome.reason };
  }
}

/** Reads what the script printed; undefined where that has no end. */
export function parseProcesses(text: string): HostProcess[] | undefined {
  const lines = text.split("\n");
  if (!lines.includes(END)) return undefined;
  const processes = lines.flatMap((line) => {
    const [, pid, parent, group, session, age, command = ""] = LINE.exec(line) ?? [];
    if (pid === undefined) return [];
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      age_s: Number(age),
      command: shownCommand(command),
    };
  });
  return processes.sort((a, b) => a.pid - b.pid);
}
