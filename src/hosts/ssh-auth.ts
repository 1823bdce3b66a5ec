import type { AnyAuthMethod, AuthHandlerMiddleware, default as Ssh2 } from "ssh2";
import { agentKeyTypes, agentPreferring } from "./ssh-agent.ts";
import { readIdentities, type Identities } from "./ssh-identities.ts";
import type { SshRoute } from "./ssh-route.ts";

/** Types of keys that an agent may hold and ssh2 leaves out. */
const UNSUPPORTED = /-cert-v01@|^sk-|^webauthn-sk-/;

/** The ways to prove who we are on one connection: the agent, then the identity files. */
export class Authentication {
  readonly #route: SshRoute;
  readonly #identities: Identities;
  readonly #left: AnyAuthMethod[];
  #exhausted = false;
  #agentError: string | undefined;
  #accepts: readonly string[] = [];
  #halfDone = false;

  private constructor(route: SshRoute, identities: Identities, methods: AnyAuthMethod[]) {
    this.#route = route;
    this.#identities = identities;
    this.#left = methods;
  }

  /** Reads the identity files. */
  static async prepare(route: SshRoute, ssh2: typeof Ssh2): Promise<Authentication> {
    const identities = await readIdentities(route, ssh2.utils.parseKey);
    const { user: username, agentSocket } = route;
    const methods: AnyAuthMethod[] = identities.usable.map(({ key }) => ({ type: "publickey", username, key }));
    if (agentSocket) methods.unshift({ type: "agent", username, agent: agentPreferring(ssh2.OpenSSHAgent, agentSocket, identities.publicBlobs) });
    // Hosts that know us otherwise (a VPN's own sshd) accept "none". Asked last, it costs the others no round trip.
    return new Authentication(route, identities, [...methods, { type: "none", username }]);
  }

  /** True once the host has refused everything there is. ssh2 has the same kind of error for one signature that failed. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Gives ssh2 the next method. The first call has null for what the host accepts. */
  readonly handler: AuthHandlerMiddleware = (accepts: readonly string[] | null, halfDone: boolean | null, next) => {
    if (accepts) this.#accepts = accepts;
    if (halfDone) this.#halfDone = true;
    const method = this.#left.shift();
    this.#exhausted = method === undefined;
    // `false` is how ssh2 is told that there are no more, against its type.
    next(method ?? (false as unknown as AnyAuthMethod));
  };

  /** What went wrong between us and the agent; ssh2 goes on to the next method then. */
  noteAgentError(message: string): void {
    this.#agentError = message;
  }

  /** Why we were not let in, as one line. */
  async explain(): Promise<string> {
    const { user, identityFiles } = this.#route;
    const { usable, skipped } = this.#identities;
    const agent = await this.#describeAgent();
    const tried = [...agent.tried, ...usable.map(({ file }) => file)];
    const parts = [
      this.#halfDone ? `accepts a key of user ${user}, and wants ${this.#accepts.join(" or ")} as well` : `does not let user ${user} in`,
      tried.length > 0 ? `offered: ${tried.join(", ")}` : `no key to offer: ${[...agent.missing, ...missingFiles(identityFiles, skipped)].join(", ")}`,
      ...(tried.length > 0 ? agent.missing : []),
      ...skipped.map(({ file, why }) => `${file} ${why}`),
    ];
    if (this.#accepts.length > 0 && !this.#accepts.includes("publickey")) parts.push(`the host accepts ${this.#accepts.join(", ")} only`);
    return parts.join("; ");
  }

  async #describeAgent(): Promise<{ readonly tried: readonly string[]; readonly missing: readonly string[] }> {
    const { agentSocket } = this.#route;
    if (!agentSocket) return { tried: [], missing: ["no agent ($SSH_AUTH_SOCK is not set)"] };
    try {
      const types = await agentKeyTypes(agentSocket);
      const unsupported = types.filter((type) => UNSUPPORTED.test(type));
      const count = types.length - unsupported.length;
      return {
        tried: count > 0 ? [`${count} ${count === 1 ? "key" : "keys"} of the agent${this.#agentError ? ` (${this.#agentError})` : ""}`] : [],
        missing: [
          ...(types.length === 0 ? ["the agent holds no key"] : []),
          ...(unsupported.length > 0 ? [`of the agent's keys these are not supported: ${[...new Set(unsupported)].join(", ")}`] : []),
        ],
      };
    } catch (error) {
      return { tried: [], missing: [`the agent at ${agentSocket} cannot be asked (${(error as Error).message})`] };
    }
  }
}

function missingFiles(files: readonly string[], skipped: Identities["skipped"]): readonly string[] {
  const missing = files.filter((file) => !skipped.some((each) => each.file === file));
  return missing.length > 0 ? [`none of ${missing.join(", ")} exists`] : [];
}
