import { homedir } from "node:os";
import pLimit from "p-limit";
import { formatDuration } from "../../domain/duration.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { DialOutcome, DialTarget, HostAccess, RunOutcome, SpawnOutcome } from "../../executor/ports.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { Connection, NoRoom, Opened, RunOptions, Seat } from "../connection/connection.ts";
import { NOT_ENFORCED } from "../host-keys/host-key.ts";
import { MuxClient } from "./mux-client.ts";
import { SharedConnections } from "../connection/shared-connections.ts";
import { execute, forward, start } from "../connection/ssh-exec.ts";
import { readSshConfig } from "../ssh-config/ssh-config.ts";
import { connectTimeoutMs, hostKeyChecking, type SshOptions } from "../ssh-config/ssh-route.ts";
import { masterArguments } from "./system-arguments.ts";
import { SystemMaster } from "./system-master.ts";
import { keyWarnings, refusalBySaid, saysRevoked } from "./system-refusal.ts";

/** Each handshake costs ssh some 70 ms of processor: more at once would only time out together. */
const opening = pLimit(16);

const GIVEN_UP = "the connection was given up before it was made";

/** A way onto a host by the ssh program: for certificates, FIDO keys, Kerberos, and whatever else its own configuration can do. */
export function openSystemSsh(target: HostTarget, options: SshOptions = {}): HostAccess {
  return new SharedConnections(target.name, (signal) => opening(() => open(target, options, signal)));
}

async function open(target: HostTarget, options: SshOptions, signal: AbortSignal): Promise<Opened> {
  const { address, ssh } = target;
  const { homeDirectory: home = homedir(), configFile } = options;
  const read = await readSshConfig(address, ssh, { home, file: ssh.config_file ?? configFile });
  if ("problem" in read) return refused(target, "", read.problem);
  const withinMs = connectTimeoutMs(ssh, read.config);
  let master: SystemMaster;
  try {
    master = await SystemMaster.start((controlSocket) =>
      masterArguments(target, controlSocket, { ...options, connectTimeoutMs: withinMs }),
    );
  } catch (error) {
    return refused(target, "", `ssh could not be started here: ${(error as Error).message}`);
  }
  switch (await startOf(master, withinMs, signal)) {
    case "ended":
      return refused(target, (await master.end()) || "ssh ended without a word");
    case "late":
      return refused(target, await master.end(), `no connection within ${formatDuration(withinMs)}`);
    case "abandoned":
      return refused(target, await master.end(), GIVEN_UP);
    case "ready":
  }
  const outcome = await joined(master, target);
  if (outcome.kind === "connected" && signal.aborted) {
    // It was given up when ssh was ready and its socket not yet ours: it must not be reported as good.
    await outcome.connection.close();
    return refused(target, "", GIVEN_UP);
  }
  if (outcome.kind === "refused" || hostKeyChecking(ssh, read.config) !== "off") return outcome;
  return { ...outcome, warnings: [NOT_ENFORCED, ...(outcome.warnings ?? [])] };
}

/** Uses the connection that an ssh has made, unless it should not have. */
async function joined(master: SystemMaster, target: HostTarget): Promise<Opened> {
  let mux: MuxClient;
  try {
    mux = await MuxClient.open(master.controlSocket);
  } catch (error) {
    return refused(target, await master.end(), (error as Error).message);
  }
  const connection = new SystemConnection(master, mux, target.address);
  const { greeting } = master;
  if (!saysRevoked(greeting)) return { kind: "connected", connection, warnings: keyWarnings(greeting) };
  // Where nothing is enforced, ssh accepts even a host that presents a revoked key.
  await connection.close();
  return refused(target, greeting);
}

function refused(target: HostTarget, said: string, why?: string): Opened {
  return { kind: "refused", refusal: refusalBySaid(target, said, why) };
}

/** What comes first. ssh's own ConnectTimeout does not bound the authentication. */
async function startOf(master: SystemMaster, withinMs: number, signal: AbortSignal) {
  if (signal.aborted) return "abandoned";
  let timer: NodeJS.Timeout | undefined;
  let abandon: (() => void) | undefined;
  try {
    return await Promise.race([
      master.ready(),
      new Promise<"late">((resolve) => (timer = setTimeout(() => resolve("late"), withinMs))),
      new Promise<"abandoned">((resolve) => signal.addEventListener("abort", (abandon = () => resolve("abandoned")))),
    ]);
  } finally {
    clearTimeout(timer);
    if (abandon) signal.removeEventListener("abort", abandon);
  }
}

/** A connection that an ssh program holds, and that we use through its control socket. */
class SystemConnection implements Connection {
  private readonly master: SystemMaster;
  private readonly mux: MuxClient;
  private readonly address: string;
  private readonly gone: Promise<void>;
  private readonly lost = () => this.lostBecause;
  private lostBecause: string | undefined;

  constructor(master: SystemMaster, mux: MuxClient, address: string) {
    this.master = master;
    this.mux = mux;
    this.address = address;
    this.gone = mux.lost.then(async () => {
      // Only now has ssh said all about it, and those who wait on a channel are to find the reason in place.
      const said = (await master.end()).trim().split("\n").at(-1) ?? "";
      this.lose(onOneLine(said) || "ssh ended");
      mux.abandon();
      // Streams emit their end in a later tick, and timers of commands go with that.
      await new Promise((resolve) => setImmediate(resolve));
    });
  }

  get isLost(): boolean {
    return this.lostBecause !== undefined || this.mux.isLost;
  }

  run(line: string, options: RunOptions): Promise<RunOutcome | NoRoom> {
    return execute(this.mux, line, { ...options, lostBecause: this.lost });
  }

  spawn(line: string, seat: Seat): Promise<SpawnOutcome | NoRoom> {
    return start(this.mux, line, { seat, lostBecause: this.lost });
  }

  dial(to: DialTarget): Promise<DialOutcome> {
    return forward(this.mux, to, this.lost);
  }

  async close(): Promise<void> {
    this.lose("it was closed by us");
    await this.master.end();
    await this.gone;
  }

  private lose(why: string): void {
    this.lostBecause ??= `the connection to ${this.address} was lost: ${why}`;
  }
}
