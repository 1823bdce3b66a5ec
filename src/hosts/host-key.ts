import type { ServerHostKeyAlgorithm } from "ssh2";
import type { Refusal } from "../domain/failures.ts";
import { judge, knownTypes, type KnownKeys, type Verdict } from "./known-hosts.ts";
import { fingerprintOf, publicKeyOf, type PublicKey } from "./public-key.ts";

/** Whose key is checked, and against what. */
export interface HostKeyCheck {
  readonly keys: KnownKeys;
  /** The known_hosts files that `keys` came from: for the refusal. */
  readonly files: readonly string[];
}

/** Why a host's key is not accepted. */
export type HostKeyRefusal = Pick<Refusal, "reason"> & { readonly code: "host_key_unknown" | "host_key_changed" };

/** In OpenSSH's own order; all that ssh2 verifies, but for DSA. Keys of type ssh-rsa sign by three algorithms. */
const ALGORITHMS: readonly { readonly type: string; readonly algorithms: readonly ServerHostKeyAlgorithm[] }[] = [
  { type: "ssh-ed25519", algorithms: ["ssh-ed25519"] },
  { type: "ecdsa-sha2-nistp256", algorithms: ["ecdsa-sha2-nistp256"] },
  { type: "ecdsa-sha2-nistp384", algorithms: ["ecdsa-sha2-nistp384"] },
  { type: "ecdsa-sha2-nistp521", algorithms: ["ecdsa-sha2-nistp521"] },
  { type: "ssh-rsa", algorithms: ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] },
];

/**
 * The host key algorithms to offer, those of known types first: the first that the host has is the
 * one it shows, and a host known by its RSA key must not seem unknown because it has an Ed25519 key
 * as well. The list is whole, since ssh2's own `prepend` leaves an algorithm where it stands.
 */
export function hostKeyAlgorithms(keys: KnownKeys): ServerHostKeyAlgorithm[] {
  const known = new Set(knownTypes(keys));
  const first = ALGORITHMS.filter(({ type }) => known.has(type));
  const rest = ALGORITHMS.filter(({ type }) => !known.has(type));
  return [...first, ...rest].flatMap(({ algorithms }) => algorithms);
}

/**
 * A verifier for ssh2, which must be synchronous: a promise is truthy, hence "accepted". What it
 * refuses it tells through `onRefusal`, since ssh2's own error says no more than that.
 */
export function hostKeyVerifier(check: HostKeyCheck, onRefusal: (refusal: HostKeyRefusal) => void) {
  return (blob: Buffer): boolean => {
    const shown = publicKeyOf(blob);
    const verdict = judge(check.keys, shown);
    if (verdict.kind === "known") return true;
    onRefusal(refuse(check, shown, verdict));
    return false;
  };
}

type Refused = Exclude<Verdict, { kind: "known" }>;

function refuse({ keys, files }: HostKeyCheck, shown: PublicKey, verdict: Refused): HostKeyRefusal {
  const shows = `shows the ${shown.type} key ${fingerprintOf(shown)}`;
  switch (verdict.kind) {
    case "unknown":
      return {
        code: "host_key_unknown",
        reason: `${shows}; ${keys.name} is not in ${files.join(", ")}${certificateHint(keys)}`,
      };
    case "changed": {
      const { type, file, line } = verdict.known;
      return {
        code: "host_key_changed",
        reason: `${shows}, but ${file}:${line} has the ${type} key ${fingerprintOf(verdict.known)}`,
      };
    }
    case "revoked":
      return {
        code: "host_key_changed",
        reason: `${shows}, which ${verdict.by.file}:${verdict.by.line} marks as @revoked`,
      };
  }
}

function certificateHint({ authorities: [authority] }: KnownKeys): string {
  if (!authority) return "";
  return ` (${authority.file}:${authority.line} trusts a certificate authority for it, but host certificates cannot be checked here)`;
}
