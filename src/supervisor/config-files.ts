import type { ConfigFile } from "../domain/fleet.ts";
import type { ProgramName } from "../domain/ids.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";

/**
 * Prints for supervisord's config and each file that it includes: its age in seconds and its path, then the lines that
 * tell of programs and groups. What the login may not read, or a host without these commands, prints nothing.
 * The path is the plan's, or where supervisorctl looks last.
 */
const SCRIPT = `
main=$1
for each in /etc/supervisord.conf /etc/supervisor/supervisord.conf; do
  [ -n "$main" ] || { [ -f "$each" ] && main=$each; }
done
[ -r "$main" ] && cd "$(dirname -- "$main")" || exit 0
main=$PWD/$(basename -- "$main")
now=$(date +%s)
included=$(sed -n '/^\\[include\\]/,/^\\[/s/^files *[=:]//p' "$main" | sed "s#%(here)s#$PWD#g")
for each in "$main" $included; do
  case $each in /*) ;; *) each=$PWD/$each ;; esac
  [ -r "$each" ] && written=$(stat -L -c %Y "$each") || continue
  echo "file $((now - written)) $each"
  grep -E '^(\\[(program|fcgi-program|group):|programs *[=:])' "$each"
done
exit 0
`;

const TIMEOUT_MS = 5000;

/**
 * The files of Supervisor's configuration on a host. Whether supervisord has loaded what is in them cannot be asked
 * without a change: \`reread\` would replace what it would start next.
 */
export async function configFiles(
  access: HostAccess,
  { config }: SupervisorSettings,
  timeoutMs: number,
): Promise<readonly ConfigFile[]> {
  const argv = ["sh", "-c", SCRIPT, "sh", ...(config === undefined ? [] : [config])] as const;
  const outcome = await access.run(argv, { timeoutMs: Math.min(TIMEOUT_MS, timeoutMs) });
  return outcome.kind === "exited" && outcome.code === 0 ? parseConfigFiles(outcome.stdout) : [];
}

/** Reads what the script printed; a program that stands in a group is known by that. */
export function parseConfigFiles(text: string): ConfigFile[] {
  const files: { path: string; age_s: number; sections: string[] }[] = [];
  const groups = new Map<string, string>();
  let group = "";
  for (const line of text.split("\n")) {
    const [, age, path] = /^file (-?\d+) (.+)$/.exec(line) ?? [];
    if (age !== undefined && path !== undefined) files.push({ path, age_s: Number(age), sections: [] });
    const [, kind, name = ""] = /^\[(program|fcgi-program|group):\s*(.*?)\s*\]/.exec(line) ?? [];
    if (kind !== undefined) files.at(-1)?.sections.push(name);
    if (kind !== undefined) group = kind === "group" ? name : "";
    const members = /^programs *[=:](.*)$/.exec(line)?.[1];
    if (members !== undefined && group !== "")
      for (const member of members.split(",")) groups.set(member.trim(), group);
  }
  return files.map(({ path, age_s, sections }) => {
    const programs = new Set(sections.map((section) => (groups.get(section) ?? section) as ProgramName));
    return { path, age_s, programs: [...programs] };
  });
}
