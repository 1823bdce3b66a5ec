import { createHash } from "node:crypto";
import type { ProgramName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type { HostAccess, LockHolder, LockReader, PidOutcome, SupervisorReader } from "../executor/ports.ts";
import { IDENTIFY, IDENTITY_ARGUMENTS } from "./holder-script.ts";
import { fileName, newestOwner } from "./lock-record.ts";

/** Where the locks of one supervisord are, and how it is distinguished from others on its host. */
export interface LockPlace {
  /** The folder of the lock files on the host. */
  readonly directory: string;
  /** The pid of the supervisord, by which its process is found. */
  readonly supervisorPid: () => Promise<PidOutcome>;
  /** What names it where its process cannot be seen: all the words that lead to it on its host, in a few letters. */
  readonly words: string;
  /** The same words lead to another supervisord in another account. */
  readonly isOfAccount: boolean;
  /** The pid may be of another pid namespace, or another machine. */
  readonly mayBeElsewhere: boolean;
}

export function lockPlaceOf(
  directory: string,
  { supervisor: settings }: Pick<HostTarget, "supervisor">,
  supervisor: Pick<SupervisorReader, "supervisorPid">,
): LockPlace {
  const { command, sudo, config, server_url } = settings;
  return {
    directory,
    supervisorPid: () => supervisor.supervisorPid(),
    words: createHash("sha256")
      .update(JSON.stringify(Object.entries(settings).sort()))
      .digest("hex")
      .slice(0, 12),
    isOfAccount: !sudo || (config !== undefined && !config.startsWith("/")),
    // A script may go into a container.
    mayBeElsewhere: !/(^|\/)supervisorctl$/.test(command) || !isOfThisMachine(server_url),
  };
}

function isOfThisMachine(serverUrl: string | undefined): boolean {
  return (
    serverUrl === undefined || /^(?:unix:|https?:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?:[:/]|$))/i.test(serverUrl)
  );
}

/** One is enough to show whose pid it is; some may have ended since. */
const MOST_CHILDREN = 20;

/**
 * The arguments about a supervisord for the scripts on its host, in the order of IDENTITY_ARGUMENTS.
 * @param kept the name under which its lock was held before
 */
export function identityArguments(
  { directory, words, isOfAccount, mayBeElsewhere }: LockPlace,
  supervisord: Exclude<PidOutcome, { kind: "unavailable" }> | undefined,
  kept: string | undefined,
  groups: readonly ProgramName[],
): readonly string[] {
  const { pid, children = [] } = supervisord?.kind === "known" ? supervisord : { pid: "" };
  const flag = (isSet: boolean) => (isSet ? "1" : "");
  return [
    directory,
    words,
    flag(isOfAccount),
    String(pid),
    flag(mayBeElsewhere),
    children.slice(0, MOST_CHILDREN).join(" "),
    kept ?? "",
    groups.map(fileName).join(" "),
  ];
}

/** Of each group the records of those who hold or held it; a record without its process is a dead one's. */
const READER_SCRIPT = `
${IDENTITY_ARGUMENTS}
${IDENTIFY}
identify
print_records() {
  for record in "$file".by-*; do
    [ -r "$record" ] && read -r holder text <"$record" && [ -d "/proc/$holder" ] && printf '%s %s %s\\n' "$group" "$holder" "$text"
  done
  return 1
}
for group in $groups; do
  for name in $names; do
    file=$dir/orchestrate-$name-$group.lock
    print_records
  done
  any_other_life "$group" print_records
done
exit 0
`;

/** Reads who holds the locks of a host, and takes none. */
export function createLockReader(access: HostAccess, place: LockPlace, timeoutMs: number): LockReader {
  return {
    async owners(groups) {
      const supervisord = await place.supervisorPid();
      const known = supervisord.kind === "unavailable" ? undefined : supervisord;
      const args = identityArguments(place, known, undefined, groups);
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
