import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import type { Connection, ServerChannel } from "ssh2";
import type { HostTarget } from "../../src/domain/target.ts";
import { targetAt } from "./fixtures.ts";

/** What a command on a scripted host gets into its hands. */
export interface ScriptedExec {
  readonly accept: () => ServerChannel;
  readonly reject: () => void;
  readonly connection: Connection;
}

export interface HostScript {
  readonly onExec: (exec: ScriptedExec) => void;
  /** Default true. False: a request for a channel is never answered. */
  readonly opensChannels?: boolean;
  /** Whether a request to connect further is never answered, or granted and closed at once. Default: it is refused. */
  readonly forwards?: "never" | "closed at once";
}

export interface ScriptedHost {
  readonly target: HostTarget;
  readonly close: () => Promise<void>;
}

/** An ssh server that lets everybody in and then misbehaves as told, as no real sshd can be made to. */
export async function startScriptedHost({ onExec, opensChannels = true, forwards }: HostScript): Promise<ScriptedHost> {
  // Of the Ed25519 keys that ssh2 1.17 makes, about one in 300 is malformed to its own parser.
  const hostKey = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connections.add(connection);
    connection.on("error", () => {});
    connection.on("authentication", (context) => context.accept());
    if (forwards === "never") connection.on("tcpip", () => {});
    if (forwards === "closed at once") connection.on("tcpip", (accept) => accept().close());
    connection.on("session", (acceptSession) => {
      if (!opensChannels) return;
      acceptSession().on("exec", (accept, reject) => onExec({ accept, reject, connection }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  const folder = await mkdtemp(join(tmpdir(), "scripted-host-"));
  const knownHostsFile = join(folder, "known_hosts");
  await writeFile(knownHostsFile, `[127.0.0.1]:${port} ${hostKey.public}\n`);
  const close = async () => {
    for (const connection of connections) connection.end();
    server.close();
    await once(server, "close");
    await rm(folder, { recursive: true });
  };
  return { target: targetAt("127.0.0.1", { port, user: "anybody", known_hosts_file: knownHostsFile }), close };
}
