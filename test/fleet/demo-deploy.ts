/** `npm run demo -- --deploy`: deploys a release with a changed configuration, and then a broken one, on the demo's fleet. */
import { chmodSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fleet, FleetHost } from "./fleet.ts";
import type { GroupOptions } from "./host-files.ts";

/** Serves from the folder of the release that `current` leads to when it starts. */
export const DEPLOYED: GroupOptions = {
  name: "web",
  processes: 2,
  extraLines: [`command=sh -c 'cd -P "$FLEET_HOST_DIR/current" && exec ./serve'`],
};

const SERVE = '#!/bin/sh\necho "release $(basename "$PWD") serves"\nexec sleep 1000000\n';
/** Dies some seconds after it was called healthy. */
const BROKEN = "#!/bin/sh\nsleep 4\necho 'no database: connection refused' >&2\nexit 1\n";

const ACTIVATE = `#!/bin/sh
# activate RELEASE: \`current\` leads to it from now on. activate previous: to the one before.
cd "$(dirname "$0")" || exit 1
before=$(readlink current)
case $1 in previous) to=$(readlink previous) ;; *) to=releases/$1 ;; esac
# Twice is once: the way back stays the same.
[ "$to" = "$before" ] || { ln -sfn "$before" previous && ln -sfn "$to" current; }
echo "current is $(readlink current)"
`;

/** Release 1 is current on each host; 2 and 3 are there as well, and 3 is broken. To be called before supervisord starts. */
export function writeReleases(dir: string): void {
  for (const [release, text] of Object.entries({ 1: SERVE, 2: SERVE, 3: BROKEN })) {
    const folder = join(dir, "releases", release);
    mkdirSync(folder, { recursive: true });
    writeExecutable(join(folder, "serve"), text);
  }
  symlinkSync("releases/1", join(dir, "current"));
  writeExecutable(join(dir, "activate"), ACTIVATE);
}

/** What a deployment of configuration does: one more process for each host, and another command. */
export function changeConfiguration({ supervisorConfig }: FleetHost): void {
  const before = readFileSync(supervisorConfig, "utf8");
  const after = before.replace("numprocs=2", "numprocs=3").replace("exec ./serve", "exec ./serve --threads 4");
  writeFileSync(supervisorConfig, after);
}

/** `demo-1: release 2, 3 processes`. */
export async function standing(fleet: Fleet): Promise<string[]> {
  return Promise.all(
    fleet.hosts.map(async (host) => {
      const running = (await host.processes()).filter(({ state }) => state === "RUNNING");
      const releases = new Set(running.map(({ pid }) => readlinkSync(`/proc/${pid}/cwd`).replace(/.*\//, "")));
      return `${host.name}: release ${[...releases].join(" and ")}, ${running.length} processes`;
    }),
  );
}

function writeExecutable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}
