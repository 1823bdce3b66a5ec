import { once } from "node:events";
import { connect } from "node:net";
import type { BaseAgent, OpenSSHAgent, ParsedKey } from "ssh2";
import { publicKeyOf, wireStrings, type PublicKey } from "../host-keys/public-key.ts";

/**
 * The agent, offering the given keys before its others. sshd ends the connection after a few
 * (MaxAuthTries, 6), so that in a full agent the right key may not get its turn: OpenSSH does the same.
 *
 * @param Agent ssh2's own class
 * @param options.only true: the given keys and no others, as with ssh_config's IdentitiesOnly
 */
export function agentPreferring(
  Agent: typeof OpenSSHAgent,
  socketPath: string,
  preferred: readonly Buffer[],
  { only }: { readonly only: boolean },
): BaseAgent<ParsedKey> {
  const rank = (key: ParsedKey) => {
    const index = preferred.findIndex((blob) => blob.equals(key.getPublicSSH()));
    return index === -1 ? preferred.length : index;
  };
  class PreferringAgent extends Agent {
    override getIdentities(callback: Parameters<OpenSSHAgent["getIdentities"]>[0]): void {
      super.getIdentities((error, keys) => {
        if (error) return callback(error);
        // Its type allows for other agents' keys; this class gives parsed ones only.
        const all = [...(keys ?? [])] as ParsedKey[];
        const offered = only ? all.filter((key) => rank(key) < preferred.length) : all;
        callback(
          undefined,
          offered.sort((a, b) => rank(a) - rank(b)),
        );
      });
    }
  }
  return new PreferringAgent(socketPath);
}

const REQUEST_IDENTITIES = Buffer.from([0, 0, 0, 1, 11]);
const IDENTITIES_ANSWER = 12;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * All keys of an agent: ssh2 leaves out those it cannot use.
 * The protocol is draft-miller-ssh-agent, section 4.4.
 *
 * @throws Error when there is no agent, or it gives no proper answer
 */
export async function agentKeys(socketPath: string): Promise<readonly PublicKey[]> {
  const socket = connect(socketPath);
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error("the agent does not answer")));
  try {
    await once(socket, "connect");
    socket.write(REQUEST_IDENTITIES);
    let answer = Buffer.alloc(0);
    for await (const chunk of socket) {
      answer = Buffer.concat([answer, chunk as Buffer]);
      if (answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE(0)) return keysIn(answer);
    }
    throw new Error("the agent ended the connection");
  } finally {
    socket.destroy();
  }
}

/** An answer is: its length, its kind, the number of keys, then for each key its blob and its comment. */
function keysIn(answer: Buffer): readonly PublicKey[] {
  const strings = answer[4] === IDENTITIES_ANSWER ? wireStrings(answer.subarray(9)) : undefined;
  if (!strings) throw new Error("the agent gave an answer that cannot be read");
  const blobs = strings.filter((_, index) => index % 2 === 0);
  return blobs.map(publicKeyOf);
}
