import { formatDuration } from "../../domain/duration.ts";
import type { Refusal } from "../../domain/failures.ts";
import { quoteArgv } from "../../domain/shell-quotes.ts";
import type { HostKeyRefusal } from "../host-keys/host-key.ts";
import type { PublicKey } from "../host-keys/public-key.ts";
import type { Authentication } from "./ssh-auth.ts";
import { endpointText, type SshRoute } from "../ssh-config/ssh-route.ts";

/** How far a connection got, and what stopped it. */
export interface HandshakeTrace {
  phase: "connecting" | "greeting" | "key exchange" | "authentication";
  /** The first line that the other side said, whatever it speaks. */
  said?: string;
  /** Our own word on its host key. */
  hostKey?: HostKeyRefusal;
  /** A key that is not known, and may be. */
  newKey?: PublicKey;
  /** There was nothing to talk over, or it is gone. @property isBastions true: for all that are behind the bastion */
  undialled?: { readonly reason: string; readonly isBastions: boolean };
  /** True: the bastion did not reach it in time. */
  timedOut?: boolean;
  /** The first error; there may be none when the other side just closes. */
  error?: SshError;
  /** True: we gave up on it ourselves. */
  abandoned: boolean;
}

/** An error as ssh2 raises it: from a socket with its code, from a DISCONNECT message with its number. */
export type SshError = Error & { readonly code?: string | number; readonly level?: string };

/** What sshd says since 9.6 where its banner should be; before, it closes without a word. */
const TOO_MANY = "Exceeded MaxStartups";
/** What it says to those whose logins failed too often, from 9.8 on. */
const PENALIZED = "Not allowed at this time";
const TOO_BUSY = "closes the connection without an SSH banner (is its sshd overloaded? see its MaxStartups)";

const SOCKET_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "its network cannot be reached",
  EHOSTDOWN: "the host is down",
  ETIMEDOUT: "no answer",
  ENOTFOUND: "its name cannot be resolved",
  EAI_AGAIN: "its name cannot be resolved at present",
  EADDRNOTAVAIL: "its address cannot be reached from here",
  EACCES: "connecting is not permitted here",
  EMFILE: "too many open files here (see `ulimit -n`)",
};

/** Says in one line why there is no connection, starting with address and port. */
export async function refusalOf(route: SshRoute, trace: HandshakeTrace, auth: Authentication): Promise<Refusal> {
  const refusal = (code: Refusal["code"], why: string): Refusal => {
    return { code, host: route.host, reason: `${placeOf(route)}: ${oneLine(why)}` };
  };
  // A bastion's own words name it already, and are the same for all hosts behind it.
  if (trace.undialled?.isBastions) return { code: "unreachable", host: route.host, reason: trace.undialled.reason };
  if (trace.hostKey) {
    const isUnknown = trace.hostKey.code === "host_key_unknown";
    const refused = refusal(trace.hostKey.code, trace.hostKey.reason);
    return isUnknown ? { ...refused, remedy: lookAtKey(route) } : refused;
  }
  if (trace.abandoned) return refusal("unreachable", "the connection was given up before it was made");
  if (auth.exhausted) return refusal("authentication_failed", await auth.explain());
  // sshd says goodbye like this after MaxAuthTries keys.
  if (trace.phase === "authentication" && typeof trace.error?.code === "number") {
    return refusal(
      "authentication_failed",
      `ended the authentication: ${trace.error.message}; ${await auth.explain()}`,
    );
  }
  return refusal("unreachable", whyUnreachable(route, trace));
}

/** How to compare the key, and then to let it in. */
function lookAtKey({ address, port, user, via }: SshRoute): string {
  const at = port === 22 ? [] : ["-p", String(port)];
  const login = quoteArgv(["ssh", ...at, ...(via ? ["-J", endpointText(via)] : []), `${user}@${address}`]);
  const scan = `${quoteArgv(["ssh-keyscan", ...at, address])} 2>/dev/null | ssh-keygen -lf -`;
  const look = via ? "" : `\`${scan}\` shows its keys as they come from there; `;
  return `${look}\`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` on the host itself shows the true one. If they are the same, \`${login}\` asks and adds it; or accept new hosts with ssh.host_key_checking: accept-new.`;
}

/** `10.0.0.5:22`, `the bastion bastion.example.com:22`. */
export function nameOf(route: SshRoute): string {
  return route.isBastion ? `the bastion ${endpointText(route)}` : endpointText(route);
}

/** `10.0.0.5:22`, `10.0.0.5:22 through bastion.example.com:22`, `the bastion bastion.example.com:22`. */
function placeOf(route: SshRoute): string {
  const place = nameOf(route);
  return route.via ? `${place} through ${endpointText(route.via)}` : place;
}

function whyUnreachable({ connectTimeoutMs }: SshRoute, trace: HandshakeTrace): string {
  const { error, phase, said, undialled, timedOut: isLate } = trace;
  if (undialled) return undialled.reason;
  if (isLate) return timedOut(phase, said, formatDuration(connectTimeoutMs));
  if (error?.level === "client-timeout") return timedOut(phase, said, formatDuration(connectTimeoutMs));
  if (isResetUnasked(trace)) return TOO_BUSY;
  // Its words explain more than the reset that follows, if our own greeting came too late to be read.
  if (phase === "greeting" && said !== undefined) return saidInstead(said);
  if (error?.level === "client-socket") return SOCKET_ERRORS[String(error.code)] ?? error.message;
  if (phase === "greeting") return TOO_BUSY;
  if (error && /no matching/.test(error.message))
    return `no algorithm in common with it: ${error.message} (the ssh program may have one: see client: system)`;
  if (error) return `failed during ${phase}: ${error.message}`;
  return `closed the connection during ${phase}${said === undefined ? "" : ` (it is ${JSON.stringify(said)})`}`;
}

/** It was accepted and dropped without a word. The drop may be reported before the connection itself. */
export function isResetUnasked({ phase, said, error }: HandshakeTrace): boolean {
  return (phase === "connecting" || phase === "greeting") && said === undefined && error?.code === "ECONNRESET";
}

function timedOut(phase: HandshakeTrace["phase"], said: string | undefined, within: string): string {
  if (phase === "connecting") return `no answer within ${within}`;
  if (phase === "greeting")
    return said === undefined ? `accepted the connection, but sent nothing within ${within}` : notSsh(said);
  return `did not finish the ${phase} within ${within}`;
}

/** What sshd's words where its banner should be mean, if it is sshd. */
function saidInstead(said: string): string {
  if (said.startsWith(TOO_MANY)) return TOO_BUSY;
  return said.startsWith(PENALIZED) ? `temporarily refuses our connections: ${JSON.stringify(said)}` : notSsh(said);
}

function notSsh(said: string): string {
  return `says ${JSON.stringify(said)} instead of an SSH banner`;
}

/** Text of the other side may contain anything. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*[\p{Cc}\u2028\u2029]+\s*/gu, " ").trim();
}
