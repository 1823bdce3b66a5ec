import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HostName } from "../../src/domain/ids.ts";
import type { HostTarget, SshSettings } from "../../src/domain/target.ts";
import type { SshOptions } from "../../src/hosts/ssh-config/ssh-route.ts";
import type { Fleet, FleetHost } from "../fleet/fleet.ts";

const run = promisify(execFile);

/** A folder for the test's own files; gone after it. */
export async function temporaryFolder(): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "hosts-"));
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/**
 * A host of a fleet, as a plan would have it.
 *
 * @param ssh in place of the fleet's own settings; undefined: left out of the plan
 */
export function targetOf(
  fleet: Fleet,
  host: FleetHost,
  ssh: { readonly [Setting in keyof SshSettings]?: SshSettings[Setting] | undefined } = {},
): HostTarget {
  const settings = Object.entries({ ...fleet.planSsh(), ...ssh }).filter(([, value]) => value !== undefined);
  return targetAt(host.address, Object.fromEntries(settings), host.name);
}

/** Any address, with 20 s to connect: far more than any test needs where it is not about that. */
export function targetAt(address: string, ssh: Partial<SshSettings>, name = "web-01"): HostTarget {
  return {
    name: name as HostName,
    address,
    connection: "ssh",
    ssh: { connect_timeout_ms: 20_000, ...ssh },
    supervisor: { command: "supervisorctl", sudo: false },
  };
}

/** Nothing of the user who runs the tests: no agent, no keys. */
export function nobodyAt(homeDirectory: string): SshOptions {
  return { homeDirectory, agentSocket: "", configFile: "none" };
}

/** What no test may wait for is set so long that it would be noticed. */
export const NEVER_MS = 600_000;

/** A file by which a command on a host and its test wait for each other. */
export interface Pipe {
  readonly path: string;
  /** Resolves with what was written, once its writer has closed it. */
  heard(): Promise<string>;
  /** Resolves once a reader has it open. */
  say(text: string): Promise<void>;
}

/** Nobody waits that long; but a test that fails must leave no process behind. */
const PIPE_TIMEOUT = { timeout: 50_000 };

/**
 * A FIFO: opening it blocks until the other side does, so that nobody has to sleep. It is opened by
 * a process each, since a few blocked files are enough to stop all reading of files in Node.
 */
export async function makePipe(path: string): Promise<Pipe> {
  await run("mkfifo", [path]);
  return {
    path,
    heard: async () => (await run("cat", [path], PIPE_TIMEOUT)).stdout,
    say: async (text) => {
      await run("sh", ["-c", 'printf %s "$2" > "$1"', "sh", path, text], PIPE_TIMEOUT);
    },
  };
}

/** A server on a port of its own that treats each connection as it is told, and does nothing of its own accord. */
export async function serveOnce(
  treat: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  // Half open: it closes only when the test says so, as a frozen host would not either.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    treat(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
  return { port: (server.address() as AddressInfo).port, close };
}
