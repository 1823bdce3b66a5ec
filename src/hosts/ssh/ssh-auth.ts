import { counted } from "../../domain/counted.ts";
import type { AnyAuthMethod, AuthHandlerMiddleware, default as Ssh2 } from "ssh2";
import { agentKeys, agentPreferring } from "./ssh-agent.ts";
import { fingerprintOf, type PublicKey } from "../host-keys/public-key.ts";
import { readIdentities, type Identities } from "./ssh-identities.ts";
import type { SshRoute, UnlockedKeys } from "../ssh-config/ssh-route.ts";

/** Types of keys that an agent may hold and ssh2 leaves out. */
const UNSUPPORTED = /-cert-v01@|^sk-|^webauthn-sk-/;

/** The ways to prove who we are on one connection: the agent, then the identity files. */
export class Authentication {
  private readonly route: SshRoute;
  private readonly identities: Identities;
  private readonly left: AnyAuthMethod[];
  private isExhausted = false;
  private agentError: string | undefined;
  private accepts: readonly string[] = [];
  private halfDone = false;

  private constructor(route: SshRoute, identities: Identities, methods: AnyAuthMethod[]) {
    this.route = route;
    this.identities = identities;
    this.left = methods;
  }

  /** Reads the identity files. */
  static async prepare(route: SshRoute, ssh2: typeof Ssh2, unlocked?: UnlockedKeys): Promise<Authentication> {
    const identities = await readIdentities(route, ssh2.utils.parseKey, unlocked);
    const { user: username, agentSocket } = route;
    const methods: AnyAuthMethod[] = identities.usable.map(({ key }) => ({ type: "publickey", username, key }));
    if (agentSocket) {
      const { publicBlobs } = identities;
      const agent = agentPreferring(ssh2.OpenSSHAgent, agentSocket, publicBlobs, { only: route.identitiesOnly });
      methods.unshift({ type: "agent", username, agent });
    }
    // Hosts that know us otherwise (a VPN's own sshd) accept "none". Asked last, it costs the others no round trip.
    return new Authentication(route, identities, [...methods, { type: "none", username }]);
  }

  /** True once the host has refused everything there is. ssh2 has the same kind of error for one signature that failed. */
  get exhausted(): boolean {
    return this.isExhausted;
  }

  /** Gives ssh2 the next method. The first call has null for what the host accepts. */
  readonly handler: AuthHandlerMiddleware = (accepts: readonly string[] | null, halfDone: boolean | null, next) => {
    if (accepts) this.accepts = accepts;
    if (halfDone) this.halfDone = true;
    const method = this.left.shift();
    this.isExhausted = method === undefined;
    // Against its type, `false` says to ssh2 that there are no more.
    next(method ?? (false as unknown as AnyAuthMethod));
  };

  /** What went wrong between us and the agent; ssh2 continues with the next method then. */
  noteAgentError(message: string): void {
    this.agentError = message;
  }

  /** Why we were not let in, as one line. */
  async explain(): Promise<string> {
    const { user } = this.route;
    const { usable, skipped } = this.identities;
    const agent = await this.askAgent();
    const offered = [...agent.offered, ...usable.map(({ file }) => file)];
    const accepted = this.accepts.join(" or ");
    return [
      this.halfDone
        ? `accepts a key of user ${user}, but also needs ${accepted}`
        : `rejected the login of user ${user}`,
      ...(offered.length > 0
        ? [`offered: ${offered.join(", ")}`, ...agent.remarks]
        : [`no key to offer: ${[...agent.remarks, ...this.missingFiles()].join(", ")}`]),
      ...skipped.map(({ file, why }) => `${file} ${why}`),
      ...(accepted === "" || this.halfDone || this.accepts.includes("publickey")
        ? []
        : [`the host accepts ${accepted} only`]),
    ].join("; ");
  }

  /** The keys that the agent offered, for a person, and remarks about it. */
  private async askAgent(): Promise<{ readonly offered: readonly string[]; readonly remarks: readonly string[] }> {
    const { agentSocket } = this.route;
    if (!agentSocket) return { offered: [], remarks: ["no agent ($SSH_AUTH_SOCK is not set)"] };
    try {
      const keys = await agentKeys(agentSocket);
      const isOffered = ({ blob }: PublicKey) =>
        !this.route.identitiesOnly || this.identities.publicBlobs.some((own) => own.equals(blob));
      const unsupported = keys.map(({ type }) => type).filter((type) => UNSUPPORTED.test(type));
      const offered = keys.filter((key) => !UNSUPPORTED.test(key.type) && isOffered(key));
      const remarks = this.agentError === undefined ? [] : [`the agent failed: ${this.agentError}`];
      if (keys.length === 0) remarks.push("the agent holds no key");
      else if (!keys.some(isOffered)) remarks.push("the agent holds no key of an identity file (see IdentitiesOnly)");
      if (unsupported.length > 0)
        remarks.push(`these keys of the agent are not supported: ${[...new Set(unsupported)].join(", ")}`);
      return { offered: offered.length === 0 ? [] : [agentKeysText(offered)], remarks };
    } catch (error) {
      return { offered: [], remarks: [`the agent at ${agentSocket} cannot be asked (${(error as Error).message})`] };
    }
  }

  private missingFiles(): readonly string[] {
    const missing = this.route.identityFiles.filter(
      (file) => !this.identities.skipped.some((each) => each.file === file),
    );
    return missing.length > 0 ? [`none of ${missing.join(", ")} exists`] : [];
  }
}

/** More fingerprints than this are not compared by eye. */
const MOST_FINGERPRINTS = 3;

/** `2 keys of the agent (ssh-ed25519 SHA256:…, ssh-rsa SHA256:…)`: as `ssh-add -l` lists them. */
function agentKeysText(keys: readonly PublicKey[]): string {
  const shown = keys.slice(0, MOST_FINGERPRINTS).map((key) => `${key.type} ${fingerprintOf(key)}`);
  return `${counted(keys.length, "key")} of the agent (${[...shown, ...(keys.length > MOST_FINGERPRINTS ? ["…"] : [])].join(", ")})`;
}
