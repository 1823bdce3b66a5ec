import { connect, type Socket } from "node:net";
import type { Client } from "ssh2";
import type { Refusal } from "../domain/failures.ts";
import { hostKeyAlgorithms, hostKeyVerifier } from "./host-key.ts";
import { readKnownHosts } from "./known-hosts-files.ts";
import { keysOf, type KnownHosts } from "./known-hosts.ts";
import { Authentication } from "./ssh-auth.ts";
import { SshConnection } from "./ssh-connection.ts";
import { refusalOf, type HandshakeTrace, type SshError } from "./ssh-refusal.ts";
import { endpointOf, type SshRoute } from "./ssh-route.ts";

export type Opened =
  | { readonly kind: "connected"; readonly connection: SshConnection }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Long enough for a host far away, short enough to get to an IPv4 address behind an IPv6 one that is dead. */
const NEXT_ADDRESS_AFTER_MS = 2_000;
const LONGEST_GREETING = 60;

/**
 * Connects, checks the host's key, and authenticates. Never rejects.
 *
 * @param signal ends the attempt; it is refused then
 */
export async function shakeHands(route: SshRoute, signal: AbortSignal): Promise<Opened> {
  // Imported here since it takes some 50 ms, which a command without ssh need not pay.
  const { default: ssh2 } = await import("ssh2");
  const [knownHosts, auth] = await Promise.all([
    readKnownHosts(route.knownHostsFiles),
    Authentication.prepare(route, ssh2),
  ]);
  const trace: HandshakeTrace = { phase: "connecting", abandoned: signal.aborted };
  const connection = trace.abandoned
    ? undefined
    : await attempt(new ssh2.Client(), { route, knownHosts, auth, trace, signal });
  return connection
    ? { kind: "connected", connection }
    : { kind: "refused", refusal: await refusalOf(route, trace, auth) };
}

interface Preparations {
  readonly route: SshRoute;
  readonly knownHosts: readonly KnownHosts[];
  readonly auth: Authentication;
  readonly trace: HandshakeTrace;
  readonly signal: AbortSignal;
}

async function attempt(client: Client, preparations: Preparations): Promise<SshConnection | undefined> {
  const { route, trace, signal } = preparations;
  const { address: host, port } = route;
  const socket = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS });
  const abandon = () => {
    trace.abandoned = true;
    socket.destroy();
  };
  signal.addEventListener("abort", abandon);
  follow(client, socket, preparations);
  const outcome = new Promise<SshConnection | undefined>((resolve) => {
    // Made at once, since the connection may be lost again before an await is over.
    client.once("ready", () => resolve(new SshConnection(client, socket, endpointOf(route))));
    // A host that closes after its banner gives no error: this is all there is.
    socket.once("close", () => resolve(undefined));
  });
  begin(client, socket, preparations);
  return outcome.finally(() => signal.removeEventListener("abort", abandon));
}

/**
 * Notes how far it gets. Its error listener stays for good: a second error can follow the first,
 * and one that nobody hears ends the process.
 */
function follow(client: Client, socket: Socket, { trace, auth }: Preparations): void {
  client.on("error", (error: SshError) => {
    if (error.level === "agent") return auth.noteAgentError(error.message);
    // One key's signature failed; ssh2 goes on to the next.
    if (error.level === "client-authentication" && !auth.exhausted) return;
    trace.error ??= error;
    // ssh2 only half-closes after some errors, and a frozen host would never close its half.
    socket.destroy();
  });
  client.once("connect", () => {
    trace.phase = "greeting";
    // The socket is paused here, and resumed by ssh2 when it listens as well.
    socket.once("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      trace.said = text.slice(0, LONGEST_GREETING).replace(/\r?\n.*/s, "");
      if (/^SSH-/m.test(text)) trace.phase = "key exchange";
    });
  });
  client.once("handshake", () => {
    trace.phase = "authentication";
  });
}

function begin(client: Client, socket: Socket, { route, knownHosts, auth, trace }: Preparations): void {
  const keys = keysOf(knownHosts, route.address, route.port);
  try {
    client.connect({
      sock: socket,
      username: route.user,
      readyTimeout: route.connectTimeoutMs,
      keepaliveInterval: route.keepalive.intervalMs,
      keepaliveCountMax: route.keepalive.unanswered,
      algorithms: { serverHostKey: hostKeyAlgorithms(keys) },
      hostVerifier: hostKeyVerifier({ keys, files: route.knownHostsFiles }, (refusal) => (trace.hostKey = refusal)),
      authHandler: auth.handler,
    });
  } catch (error) {
    // It does not heed the socket then.
    trace.error = error as Error;
    socket.on("error", () => {});
    socket.destroy();
  }
}
