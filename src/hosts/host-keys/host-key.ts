import type { ServerHostKeyAlgorithm } from "ssh2";
import type { Refusal } from "../../domain/failures.ts";
import { addToKnownHosts } from "./known-hosts-add.ts";
import { readKnownHostsNow } from "./known-hosts-files.ts";
import { judge, keysOf, knownTypes, type KnownKeys, type KeyVerdict } from "./known-hosts.ts";
import { fingerprintOf, publicKeyOf, type PublicKey } from "./public-key.ts";
import type { HostKeyRules } from "../ssh-config/ssh-route.ts";

/** Whose key is checked, and against what. */
export interface HostKeyCheck {
  readonly keys: KnownKeys;
  readonly rules: HostKeyRules;
}

/** Why a host's key is not accepted. */
export type HostKeyRefusal = Pick<Refusal, "reason"> & {
  readonly code: "host_key_unknown" | "host_key_changed" | "host_key_revoked";
};

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
 *
 * @param allowed what ssh_config allows; by default all
 */
export function hostKeyAlgorithms(keys: KnownKeys, allowed?: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = new Set(knownTypes(keys));
  const first = ALGORITHMS.filter(({ type }) => known.has(type));
  const rest = ALGORITHMS.filter(({ type }) => !known.has(type));
  const all = [...first, ...rest].flatMap(({ algorithms }) => algorithms);
  return allowed ? all.filter((algorithm) => allowed.includes(algorithm)) : all;
}

/** The warning for every host that is accepted whatever key it presents. */
export const NOT_ENFORCED = "its host key is not enforced (host_key_checking is off)";

/** Why a key was refused, and warnings about it. */
export interface HostKeyNotes {
  readonly refused: (refusal: HostKeyRefusal) => void;
  /** It is accepted, and to be remembered once the host has proven that it holds it. */
  readonly isNew: (key: PublicKey) => void;
  readonly warn: (warning: string) => void;
}

/**
 * A verifier for ssh2, which must be synchronous: a promise is truthy, hence "accepted". What it
 * refuses it is passed through `notes`, since ssh2's own error does not say.
 */
export function hostKeyVerifier(check: HostKeyCheck, notes: HostKeyNotes) {
  const { keys, rules } = check;
  let accepted: Buffer | undefined;
  return (blob: Buffer): boolean => {
    // A host that asks for new session keys shows its own again.
    if (accepted) return accepted.equals(blob);
    const shown = publicKeyOf(blob);
    const verdict = judge(keys, shown);
    if (verdict.kind !== "known" && !isTolerated(verdict, rules.checking)) {
      notes.refused(refuse(check, shown, verdict));
      return false;
    }
    accepted = Buffer.from(blob);
    if (verdict.kind === "unknown") notes.isNew(shown);
    if (rules.checking === "off") notes.warn(NOT_ENFORCED);
    if (verdict.kind === "changed") notes.warn(`it ${refuse(check, shown, verdict).reason}: it was accepted anyway`);
    return true;
  };
}

type Refused = Exclude<KeyVerdict, { kind: "known" }>;

/** As OpenSSH's StrictHostKeyChecking has it, except that a revoked key is always refused. */
function isTolerated({ kind }: Refused, checking: HostKeyRules["checking"]): boolean {
  if (kind === "revoked") return false;
  return checking === "off" || (checking === "accept-new" && kind === "unknown");
}

/** There is no warning where another connection has just written the same. */
export type Remembered =
  | { readonly kind: "noted"; readonly warning?: string }
  | { readonly kind: "refused"; readonly refusal: HostKeyRefusal };

/**
 * Writes a new key where the next connection will find it. It looks once more before, and does both without a pause:
 * of two hosts under one name that are accepted at once, the second must find the key of the first.
 */
export function rememberKey(rules: HostKeyRules, key: PublicKey): Remembered {
  const { files, checking, newKeysTo, hashed } = rules;
  const keys = keysOf(readKnownHostsNow(files), rules.name, rules.port);
  const verdict = judge(keys, key);
  const what = `its ${key.type} key ${fingerprintOf(key)}`;
  if (verdict.kind === "known") return { kind: "noted" };
  if (!isTolerated(verdict, checking)) return { kind: "refused", refusal: refuse({ keys, rules }, key, verdict) };
  if (verdict.kind !== "unknown" || newKeysTo === undefined)
    return { kind: "noted", warning: `${what} is new, but there is no file to write it to` };
  const problem = addToKnownHosts(newKeysTo, keys.name, key, { hashed });
  return {
    kind: "noted",
    warning:
      problem === undefined
        ? `${what} was new, and was added to ${newKeysTo}`
        : `${what} is new, and will be new again: ${problem}`,
  };
}

function refuse({ keys, rules: { files } }: HostKeyCheck, shown: PublicKey, verdict: Refused): HostKeyRefusal {
  const shows = `presented the ${shown.type} key ${fingerprintOf(shown)}`;
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
        code: "host_key_revoked",
        reason: `${shows}, which ${verdict.by.file}:${verdict.by.line} marks as @revoked`,
      };
  }
}

function certificateHint({ authorities: [authority] }: KnownKeys): string {
  if (!authority) return "";
  return ` (${authority.file}:${authority.line} trusts a certificate authority for it, but host certificates cannot be checked here: see client: system)`;
}
