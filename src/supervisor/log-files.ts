import type { InstanceConfig } from "../domain/fleet.ts";
import { processOf, type InstanceName } from "../domain/ids.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { Argv, HostAccess } from "../executor/ports.ts";
import { isSupervisorctl } from "./commands.ts";
import { FIND_CONFIG } from "./config-script.ts";
import type { Stream } from "./tail-reply.ts";

/** What stands where Supervisor keeps a log, as the login sees it. */
export type LogOnDisk =
  | {
      readonly kind: "file";
      readonly path: string;
      /** Since something was written to it, by the host's own clock; undefined where the host does not say. */
      readonly ageS: number | undefined;
      /** Some hosts have whole seconds only. */
      readonly isExact: boolean;
    }
  /** A pipe or a device: reading it could wait for ever, and supervisord with us. */
  | { readonly kind: "no_file"; readonly path: string };

/**
 * A shell script for the host. `$1` and `$2` are as for the script that reads the configuration, `$3` is the name of the
 * process, then come streams with a path each, or AUTO: the one file that supervisord has made for that process.
 * Prints of each `STREAM NOW WRITTEN PATH`, in seconds, or `STREAM - - PATH` where that is no file.
 */
const SCRIPT = `
${FIND_CONFIG}
process=$3
shift 3
folder=$(sed -n '/^\\[supervisord\\]/,/^\\[.*\\]/s/^childlogdir *[=:] *//p' "$main" 2>/dev/null | 
  sed "s/ *[;#].*//; s/ *\$//; s#%(here)s#$(dirname -- "$main")#g" | tail -n 1)
while [ $# -ge 2 ]; do
  stream=$1 path=$2
  shift 2
  if [ "$path" = AUTO ]; then
    path= found=0
    for each in "\${folder:-/tmp}/$process-$stream---"*.log; do
      [ -f "$each" ] && path=$each && found=$((found + 1))
    done
    [ "$found" -eq 1 ] || continue
  fi
  [ -e "$path" ] || continue
  [ -f "$path" ] || { echo "$stream - - $path"; continue; }
  written=$(stat -L -c %.9Y -- "$path" 2>/dev/null)
  case $written in ''|*[!0-9.]*) written=$(stat -L -c %Y -- "$path" 2>/dev/null) ;; esac
  echo "$stream $(date +%s.%N) \${written:-?} $path"
done
exit 0
`;

/** Finds the logs of an instance, where Supervisor's configuration names them. */
export async function logFiles(
  access: HostAccess,
  settings: SupervisorSettings,
  { instance, config, timeoutMs }: { instance: InstanceName; config: InstanceConfig | undefined; timeoutMs: number },
): Promise<ReadonlyMap<Stream, LogOnDisk>> {
  const places = (["stderr", "stdout"] as const).flatMap((stream) => {
    const place = placeOf(stream, config);
    return place === undefined ? [] : [stream, place];
  });
  // A script may go into a container, where the same path is another file.
  if (places.length === 0 || !isSupervisorctl(settings)) return new Map();
  const args = [settings.config ?? "", settings.command, processOf(instance), ...places];
  const outcome = await access.run(["sh", "-c", SCRIPT, "sh", ...args], { timeoutMs });
  return outcome.kind === "exited" ? parseLogFiles(outcome.stdout) : new Map();
}

/** Reads what the script printed. */
export function parseLogFiles(printed: string): ReadonlyMap<Stream, LogOnDisk> {
  const logs = new Map<Stream, LogOnDisk>();
  for (const line of printed.split("\n")) {
    const [, stream, now = "", written = "", path = ""] = /^(stderr|stdout) (\S+) (\S+) (\/.*)$/.exec(line) ?? [];
    if (stream === undefined) continue;
    if (written === "-") logs.set(stream as Stream, { kind: "no_file", path });
    else {
      const ageS = Number.parseFloat(now) - Number.parseFloat(written);
      const isExact = [now, written].every((time) => /^\d+\.\d+$/.test(time));
      logs.set(stream as Stream, { kind: "file", path, ageS: Number.isNaN(ageS) ? undefined : ageS, isExact });
    }
  }
  return logs;
}

/** The end of a file, as the login may read it. */
export function fileTailArgv(path: string, bytes: number): Argv {
  return ["tail", "-c", String(bytes), "--", path];
}

/** An absolute path of the host's, or AUTO. */
function placeOf(stream: Stream, config: InstanceConfig | undefined): string | undefined {
  if (stream === "stderr" && config?.redirect_stderr === true) return undefined;
  const place = config?.[`${stream}_logfile`];
  if (place === undefined || /^auto$/i.test(place)) return place && "AUTO";
  // `/dev/stdout` is another file for us than for supervisord.
  return place.startsWith("/") && !/^\/(?:dev|proc)\//.test(place) ? place : undefined;
}
