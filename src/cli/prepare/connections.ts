import type { ParsedKey } from "ssh2";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { foldNames } from "../../domain/node-set.ts";
import { printable } from "../../domain/printable.ts";
import { Bastions } from "../../hosts/ssh/bastions.ts";
import { lockedKeys, type LockedKey } from "../../hosts/ssh/locked-keys.ts";
import type { SshOptions } from "../../hosts/ssh-config/ssh-route.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { askSecret, canAsk } from "../terminal/ask.ts";

/** What the connections to all hosts of a fleet share. */
export interface Connections {
  readonly options: SshOptions;
  readonly bastions: Bastions;
}

/** As ssh asks. */
const MOST_ASKED = 3;

/** The end of a command whose user left instead of entering a passphrase. */
export function endUnasked(plan: string): ExitCode {
  process.stderr.write(`interrupted: ${plan}: nothing was changed\n`);
  return EXIT.interrupted;
}

/**
 * Prepares what a fleet shares. Where a key has a passphrase and no agent holds the key, the user at the terminal is asked
 * for it before anything starts. Without a terminal, the hosts that need it will be refused with that reason.
 *
 * @returns undefined if the user left
 */
export async function prepareConnections(plan: Plan): Promise<Connections | undefined> {
  const bastions = new Bastions();
  const targets = plan.hosts.filter(({ connection, ssh }) => connection === "ssh" && ssh.client !== "system");
  if (!canAsk() || targets.length === 0) return { options: {}, bastions };
  const unlocked = new Map<string, ParsedKey>();
  for (const locked of await lockedKeys(targets, {}, bastions.configs)) {
    const key = await askFor(locked);
    if (key === "left") return undefined;
    if (key) unlocked.set(locked.file, key);
  }
  return { options: { unlocked }, bastions };
}

/** Undefined: the user does not know the passphrase, and continues without this key. */
async function askFor({ file, hosts, unlock }: LockedKey): Promise<ParsedKey | "left" | undefined> {
  const question = printable(`Passphrase of ${file}, for ${foldNames(hosts).join(", ")}: `);
  for (let asked = 1; asked <= MOST_ASKED; asked += 1) {
    const passphrase = await askSecret(question);
    if (passphrase === undefined) return "left";
    if (passphrase === "") return undefined;
    const key = unlock(passphrase);
    if (key) return key;
    process.stderr.write("Wrong passphrase.\n");
  }
  return undefined;
}
