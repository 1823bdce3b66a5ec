import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import type { Client, ServerHostKeyAlgorithm, default as Ssh2 } from "ssh2";
import type { Refusal } from "../../domain/failures.ts";
import { hostKeyAlgorithms, hostKeyVerifier, rememberKey, type HostKeyCheck } from "../host-keys/host-key.ts";
import { readKnownHosts } from "../host-keys/known-hosts-files.ts";
import { keysOf } from "../host-keys/known-hosts.ts";
import { Authentication } from "./ssh-auth.ts";
import { SshConnection } from "./ssh-connection.ts";
import { nameOf, refusalOf, type HandshakeTrace, type SshError } from "./ssh-refusal.ts";
import { defaultBackoff, rested, wasDropped } from "./ssh-retry.ts";
import type { Backoff, SshRoute, UnlockedKeys } from "../ssh-config/ssh-route.ts";
import type { Transport } from "./tunnel.ts";

export type SshOpened =
  | { readonly kind: "connected"; readonly connection: SshConnection; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** What a connection is made with. */
export interface Means {
  /** Ends the attempt; it is refused then. */
  readonly signal: AbortSignal;
  readonly unlocked: UnlockedKeys | undefined;
  readonly backoff: Backoff | undefined;
}

/** What there is to shake hands over. A socket may still be connecting. */
export type Dialled =
  | { readonly kind: "dialled"; readonly transport: Transport; readonly lostBecause?: () => string | undefined }
  /** @property isBastions true: it is the bastion that failed, not the host behind it */
  | { readonly kind: "failed"; readonly reason: string; readonly isBastions: boolean };

type Dial = () => Promise<Dialled>;

/** Long enough for a host far away, short enough to get to an IPv4 address behind an IPv6 one that is dead. */
const NEXT_ADDRESS_AFTER_MS = 2_000;
const LONGEST_GREETING = 60;

/**
 * Connects, checks the host's key, and authenticates; again where sshd had too many to greet. Never rejects.
 *
 * @param dial gives what to talk over; by default a socket to the host itself
 */
export async function shakeHands(route: SshRoute, means: Means, dial: Dial = directly(route)): Promise<SshOpened> {
  const { signal, unlocked, backoff = defaultBackoff } = means;
  // Imported here since it takes some 50 ms, which a command without ssh need not pay.
  const { default: ssh2 } = await import("ssh2");
  const deadline = performance.now() + route.connectTimeoutMs;
  for (let dropped = 1; ; dropped += 1) {
    const auth = await Authentication.prepare(route, ssh2, unlocked);
    const handshake = new Handshake(route, auth, await checkFor(route), signal);
    const connection = await handshake.attempt(ssh2, dial, deadline - performance.now());
    const { trace, warnings } = handshake;
    if (connection) return { kind: "connected", connection, warnings };
    const waitMs = wasDropped(trace) ? backoff(dropped) : undefined;
    const isInTime = waitMs !== undefined && performance.now() + waitMs < deadline;
    if (!isInTime || !(await rested(waitMs, signal)))
      return { kind: "refused", refusal: await refusalOf(route, trace, auth) };
  }
}

function directly({ address: host, port }: SshRoute): Dial {
  return () => {
    const transport = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS });
    return Promise.resolve({ kind: "dialled", transport });
  };
}

async function checkFor({ hostKeys }: SshRoute): Promise<HostKeyCheck> {
  const keys = keysOf(await readKnownHosts(hostKeys.files), hostKeys.name, hostKeys.port);
  return { keys, rules: hostKeys };
}

/** One attempt, and how far it got. */
class Handshake {
  readonly trace: HandshakeTrace;
  readonly warnings: string[] = [];
  private readonly route: SshRoute;
  private readonly auth: Authentication;
  private readonly check: HostKeyCheck;
  private readonly algorithms: readonly ServerHostKeyAlgorithm[];
  private readonly signal: AbortSignal;

  constructor(route: SshRoute, auth: Authentication, check: HostKeyCheck, signal: AbortSignal) {
    this.trace = { phase: "connecting", abandoned: signal.aborted };
    this.route = route;
    this.auth = auth;
    this.check = check;
    this.algorithms = hostKeyAlgorithms(check.keys, check.rules.algorithms);
    this.signal = signal;
  }

  async attempt(ssh2: typeof Ssh2, dial: Dial, withinMs: number): Promise<SshConnection | undefined> {
    const startedAt = performance.now();
    const dialled = await this.dialled(dial, withinMs);
    if (!dialled) return undefined;
    const { transport, lostBecause } = dialled;
    const abandon = () => {
      this.trace.abandoned = true;
      transport.destroy();
    };
    this.signal.addEventListener("abort", abandon);
    const client = new ssh2.Client();
    this.follow(client, transport);
    const outcome = new Promise<SshConnection | undefined>((resolve) => {
      // Made at once, since the connection may be lost again before an await is over.
      client.once("ready", () => resolve(new SshConnection(client, transport, nameOf(this.route), lostBecause)));
      // A host that closes after its banner gives no error: this is all there is.
      transport.once("close", () => {
        const lost = lostBecause?.();
        if (lost !== undefined) this.trace.undialled ??= { reason: lost, isBastions: true };
        resolve(undefined);
      });
    });
    this.begin(client, transport, withinMs - (performance.now() - startedAt));
    return outcome.finally(() => this.signal.removeEventListener("abort", abandon));
  }

  /** A channel through a bastion opens when the bastion has reached the host, which may take it for ever. */
  private async dialled(dial: Dial, withinMs: number): Promise<Exclude<Dialled, { kind: "failed" }> | undefined> {
    if (this.trace.abandoned) return undefined;
    if (this.algorithms.length === 0) {
      // ssh2 would take an empty list for its own.
      const reason = "of what HostKeyAlgorithms of ssh_config allows nothing can be checked here: see client: system";
      this.trace.undialled = { reason, isBastions: false };
      return undefined;
    }
    const pending = dial();
    const ended = new AbortController();
    const dialled = await Promise.race([pending, rested(withinMs, AbortSignal.any([this.signal, ended.signal]))]);
    ended.abort();
    if (typeof dialled === "boolean") {
      this.trace.abandoned = this.signal.aborted;
      this.trace.timedOut = true;
      void pending.then((late) => late.kind === "dialled" && late.transport.destroy());
      return undefined;
    }
    if (dialled.kind === "dialled") return dialled;
    this.trace.undialled = dialled;
    return undefined;
  }

  /**
   * Notes how far it gets. Its error listener stays for good: a second error can follow the first,
   * and one that nobody hears ends the process.
   */
  private follow(client: Client, transport: Transport): void {
    const { trace } = this;
    client.on("error", (error: SshError) => {
      if (error.level === "agent") return this.auth.noteAgentError(error.message);
      // One key's signature failed; ssh2 continues with the next.
      if (error.level === "client-authentication" && !this.auth.exhausted) return;
      trace.error ??= error;
      // ssh2 only half-closes after some errors, and a frozen host would never close its half.
      transport.destroy();
    });
    client.once("connect", () => {
      trace.phase = "greeting";
      // The socket is paused here, and resumed by ssh2 when it listens as well.
      transport.once("data", (chunk: Buffer) => {
        const text = chunk.toString("latin1");
        trace.said = text.slice(0, LONGEST_GREETING).replace(/\r?\n.*/s, "");
        if (/^SSH-/m.test(text)) trace.phase = "key exchange";
      });
    });
    client.once("handshake", () => {
      trace.phase = "authentication";
      this.remember(transport);
    });
  }

  /** Now the host has proven that the key is its own; nothing of ours was said to it yet. */
  private remember(transport: Transport): void {
    const { newKey } = this.trace;
    if (!newKey) return;
    const remembered = rememberKey(this.check.rules, newKey);
    if (remembered.kind === "noted") return this.warn(remembered.warning);
    this.trace.hostKey = remembered.refusal;
    transport.destroy();
  }

  /** All hosts behind a bastion report its warnings, in these words. */
  private warn(warning: string | undefined): void {
    if (warning === undefined) return;
    this.warnings.push(this.route.isBastion ? `${nameOf(this.route)}: ${warning}` : warning);
  }

  private begin(client: Client, transport: Transport, withinMs: number): void {
    const { trace } = this;
    const { user: username, keepalive } = this.route;
    try {
      client.connect({
        sock: transport,
        username,
        // Zero would be for ever.
        readyTimeout: Math.max(1, withinMs),
        keepaliveInterval: keepalive.intervalMs,
        keepaliveCountMax: keepalive.unanswered,
        algorithms: { serverHostKey: [...this.algorithms] },
        hostVerifier: hostKeyVerifier(this.check, {
          refused: (refusal) => (trace.hostKey = refusal),
          isNew: (key) => (trace.newKey = key),
          warn: (warning) => this.warn(warning),
        }),
        authHandler: this.auth.handler,
      });
    } catch (error) {
      // It does not heed the socket then.
      trace.error = error as Error;
      transport.on("error", () => {});
      transport.destroy();
    }
  }
}
