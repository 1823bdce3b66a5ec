import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Daemon } from "../fleet/daemon.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { allProcesses } from "../fleet/supervisor-rpc.ts";

/** A supervisord with a configuration of the test's own, whose programs must not be started by it. */
export interface ConfigHost {
  readonly folder: string;
  readonly config: string;
  readonly socketUrl: string;
  down(): Promise<void>;
}

/**
 * Raises it on this machine.
 *
 * @param main what stands in its supervisord.conf besides what it needs itself
 * @param files what it includes, by their paths in its folder
 */
export async function raiseConfigHost(main: string, files: Readonly<Record<string, string>> = {}): Promise<ConfigHost> {
  const folder = await mkdtemp(join(tmpdir(), "config-"));
  const config = join(folder, "supervisord.conf");
  const socket = join(folder, "s.sock");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await writeFile(
    config,
    [
      "[supervisord]",
      `logfile=${folder}/supervisord.log`,
      `pidfile=${folder}/supervisord.pid`,
      `childlogdir=${folder}`,
      ...(process.getuid?.() === 0 ? ["user=root"] : []),
      "[unix_http_server]",
      `file=${socket}`,
      "[rpcinterface:supervisor]",
      "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
      "[supervisorctl]",
      `serverurl=unix://${socket}`,
      main,
    ].join("\n"),
  );
  const daemon = new Daemon({
    name: "a supervisord of its own configuration",
    command: [findProgram("supervisord") ?? "supervisord", "-n", "-c", config],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder, SECONDS: "7", APP: "shop" },
    outputFile: join(folder, "output"),
  });
  const down = async () => {
    if (daemon.pid !== undefined) daemon.signal("SIGTERM");
    await daemon.ended();
    await rm(folder, { recursive: true, force: true });
  };
  daemon.start();
  try {
    await daemon.ready(async () => (await allProcesses(socket)).length > 0, { deadlineMs: 20_000 });
  } catch (error) {
    await down();
    throw error;
  }
  return { folder, config, socketUrl: `unix://${socket}`, down };
}
