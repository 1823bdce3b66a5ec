import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

const hostsPerNet = 250;
/** Above every host of a net: whoever listens on it has claimed the net for that port. */
const claimHost = 254;
/** Below 32768, where Linux takes its ephemeral ports: no outgoing connection can sit on ours. */
const ports = { from: 20_000, below: 32_000 };
const attempts = 50;

/** Addresses of 127.0.0.0/8 and one port for all of them, ours until released. */
export interface LoopbackClaim {
  readonly addresses: readonly string[];
  readonly port: number;
  release(): void;
}

export interface LoopbackChoice {
  /** The first three numbers, `127.40.7`. Default: at random. */
  readonly net?: string;
  /** Default: at random, below the ephemeral ports. */
  readonly port?: number;
}

/**
 * Claims `count` loopback addresses that no other fleet on this machine has, with a free port.
 * A claim is a listening socket, so it ends with its process at the latest.
 *
 * @throws Error when the wished net and port, or fifty at random, are taken
 */
export async function claimLoopback(count: number, { net, port }: LoopbackChoice = {}): Promise<LoopbackClaim> {
  const wished = net !== undefined && port !== undefined;
  let lastError: unknown;
  for (let attempt = 0; attempt < (wished ? 1 : attempts); attempt++) {
    const nets = consecutiveNets(net ?? randomNet(), Math.ceil(count / hostsPerNet));
    const triedPort = port ?? randomInt(ports.from, ports.below);
    const servers: Server[] = [];
    const release = () => {
      for (const server of servers) server.close();
    };
    try {
      for (const each of nets) servers.push(await listen(`${each}.${claimHost}`, triedPort));
      return { addresses: addressesIn(nets, count), port: triedPort, release };
    } catch (error) {
      release();
      lastError = error;
    }
  }
  throw new Error(`no free loopback net and port: ${String(lastError)}`, { cause: lastError });
}

function randomNet(): string {
  // From 1: 127.0.0.* is everybody's.
  return `127.${randomInt(1, 255)}.${randomInt(0, 200)}`;
}

function consecutiveNets(first: string, count: number): string[] {
  const [a, b, c] = first.split(".").map(Number);
  if (a === undefined || b === undefined || c === undefined || c + count > 256) {
    throw new Error(`${first}: not three numbers with room for ${count} nets`);
  }
  return Array.from({ length: count }, (_, offset) => `${a}.${b}.${c + offset}`);
}

function addressesIn(nets: readonly string[], count: number): string[] {
  return nets.flatMap((net) => Array.from({ length: hostsPerNet }, (_, host) => `${net}.${host + 1}`)).slice(0, count);
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).unref();
  server.listen({ host, port, exclusive: true });
  await once(server, "listening");
  return server;
}
