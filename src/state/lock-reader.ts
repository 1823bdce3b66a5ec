import { createHash } from "node:crypto";
import type { ProgramName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type { HostAccess, LockHolder, LockReader, PidOutcome, SupervisorReader } from "../executor/ports.ts";
import { IDENTIFY } from "./holder-script.ts";
import { fileName, newestOwner } from "./lock-record.ts";

/** Where the locks of one supervisord are. */
export interface LockPlace {
  /** The folder of the lock files on the host. */
  readonly directory: string;
  /** The pid of the supervisord, from which its lock gets its name. */
  readonly supervisorPid: () => Promise<PidOutcome>;
  /** What names the supervisord where its pid is unknown or does not: how the plan reaches it. */
  readonly fallbackName: string;
}

export function lockPlaceOf(
  directory: string,
  { supervisor: { config, server_url } }: HostTarget,
  supervisor: Pick<SupervisorReader, "supervisorPid">,
): LockPlace {
  const way = JSON.stringify([config ?? null, server_url ?? null]);
  return {
    directory,
    supervisorPid: () => supervisor.supervisorPid(),
    fallbackName: createHash("sha256").update(way).digest("hex").slice(0, 12),
  };
}

/** Of each group the records of those who hold or held it; a record without its process is a dead one's. */
const READER_SCRIPT = `
dir=$1 name=$2 pid=$3 groups=$4
${IDENTIFY}
identify
for group in $groups; do
  for record in "$dir/orchestrate-$name-$group.lock".by-*; do
    [ -r "$record" ] && read -r holder text <"$record" && [ -d "/proc/$holder" ] && printf '%s %s %s\\n' "$group" "$holder" "$text"
  done
done
`;

/** Reads who holds the locks of a host, and takes none. */
export function createLockReader(access: HostAccess, place: LockPlace, timeoutMs: number): LockReader {
  return {
    async owners(groups) {
      const supervisord = await place.supervisorPid();
      const pid = supervisord.kind === "known" ? String(supervisord.pid) : "";
      const args = [place.directory, place.fallbackName, pid, groups.map(fileName).join(" ")];
      const outcome = await access.run(["sh", "-c", READER_SCRIPT, "orchestrate", ...args], { timeoutMs });
      return outcome.kind === "exited" ? groups.flatMap((group) => holderOf(group, outcome.stdout) ?? []) : [];
    },
  };
}

function holderOf(group: ProgramName, printed: string): LockHolder | undefined {
  const prefix = `${fileName(group)} `;
  const records = printed.split("\n").filter((line) => line.startsWith(prefix));
  const owner = newestOwner(records.map((line) => line.slice(prefix.length)).join("\n"));
  return owner && { group, owner };
}
