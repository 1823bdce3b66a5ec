import { whyNotAddressable } from "../domain/address.ts";
import type { HostConfig, InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { LogTail, LookOutcome, UnseenLook } from "../domain/outcomes.ts";
import type { KnownHistory } from "../domain/process-history.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess, LookWay, PidOutcome, SupervisorReader } from "../executor/ports.ts";
import type { Log } from "./commands.ts";
import { configFiles, type FilesOnHost } from "./config-files.ts";
import { Daemon } from "./daemon.ts";
import { configsByExec, lookByExec, pidByExec, tailByExec, type ExecLook } from "./exec.ts";
import { readLogs } from "./log-reader.ts";
import { digestOf, type NotedLogs } from "./log-tail.ts";
import { differing, merged } from "./loaded-config.ts";
import { historiesOf } from "./main-log.ts";
import { sessionWay } from "./session-way.ts";
import { rereadByExec } from "./reread.ts";
import { STREAMS, type TailReply } from "./tail-reply.ts";
import type { Listed, QuickWay, Reply } from "./way.ts";
import type { Credentials } from "./xml-rpc-client.ts";
import { xmlRpcWay } from "./xml-rpc-way.ts";

/** Logs are read after a failure, when the operator waits for the report: they are not worth a minute. */
const LOG_TIMEOUT_MS = 10_000;

/** Bound of a look at the logs before a restart, which waits for it; twice what one way gets for it. */
const NOTING_MS = 2000;

/** After so many failures in a row, each while a supervisorctl worked, a way that once worked is given up. */
const FAILURES_OF_A_GOOD_WAY = 3;

/** How long a reader waits, apart from its bound of a look. */
export interface ReaderBounds {
  /** How long the first question waits for a session to open, before others answer for it. Default 2 s. */
  readonly openingPatienceMs?: number;
  /** Bound of all that is done to read the logs of an instance, where that of a look is not shorter. Default 10 s. */
  readonly logTimeoutMs?: number;
}

/**
 * Looks at a host's supervisord by the fastest way that works there: XML-RPC, one long-lived supervisorctl, or one
 * supervisorctl per question. What a faster way cannot answer for certain, a slower one is asked at once.
 *
 * @param commandTimeoutMs bound of a look; a hung supervisord makes supervisorctl hang for ever
 * @param credentials of Supervisor's HTTP server, for XML-RPC; supervisorctl has its own in its config on the host
 */
export function supervisorReader(
  access: HostAccess,
  settings: SupervisorSettings,
  commandTimeoutMs: number,
  credentials?: Credentials,
  { openingPatienceMs, logTimeoutMs = LOG_TIMEOUT_MS }: ReaderBounds = {},
): SupervisorReader {
  const xmlRpc = xmlRpcWay(access, settings, credentials);
  const session = sessionWay(access, settings, commandTimeoutMs, openingPatienceMs);
  const reader = new Reader(
    { access, settings, timeoutMs: commandTimeoutMs, logTimeoutMs: Math.min(logTimeoutMs, commandTimeoutMs) },
    typeof xmlRpc === "string"
      ? { ways: [session], why: [`no xml-rpc: ${xmlRpc}`] }
      : { ways: [xmlRpc, session], why: [] },
  );
  return {
    look: () => reader.look(),
    noteLogs: (instance) => reader.noteLogs(instance),
    tailLog: (instance, msSinceRestart) => reader.tailLog(instance, msSinceRestart),
    histories: (instances) => reader.histories(instances),
    supervisorPid: () => reader.supervisorPid(),
    troubleWithSupervisorctl: () => reader.troubleWithSupervisorctl(),
    config: (instances) => reader.config(instances),
    reread: () => rereadByExec(access, settings, commandTimeoutMs),
    way: () => reader.way,
    close: () => reader.close(),
  };
}

const CLOSED = { kind: "unreachable", reason: "the connection was closed by us" } as const;

/** A quick way, and how well it works on this host. */
interface Candidate {
  readonly way: QuickWay;
  hasTold: boolean;
  /** In a row, each while a slower way worked. */
  failures: number;
  /** Why it did not answer the last time. */
  reason: string | undefined;
  isGivenUp: boolean;
}

/** @property failed the ways that were asked in vain: by their own fault, if a slower one has an answer */
interface Quick<Value> {
  readonly answer?: { readonly value: Value };
  readonly failed: readonly Candidate[];
}

interface Asked {
  readonly access: HostAccess;
  readonly settings: SupervisorSettings;
  readonly timeoutMs: number;
  readonly logTimeoutMs: number;
}

class Reader {
  way: LookWay | undefined;
  private readonly access: HostAccess;
  private readonly settings: SupervisorSettings;
  private readonly timeoutMs: number;
  private readonly logTimeoutMs: number;
  private readonly candidates: readonly Candidate[];
  private readonly daemon: Daemon;
  /** By the last look that shows it. */
  private neverEnded: ReadonlySet<InstanceName> | undefined;
  /** As last asked for. */
  private configs: ReadonlyMap<InstanceName, InstanceConfig> = new Map();
  private readonly noted = new Map<InstanceName, NotedLogs>();
  /** Why there is no candidate where there could be one. */
  private readonly why: readonly string[];
  /** True after a look that nothing could answer: until one can, no session is opened in vain. */
  private inTrouble = false;
  /** How often it was closed: what was asked before must not open anything afterwards. */
  private closes = 0;
  private looking: Promise<LookOutcome> | undefined;
  private nextLook: Promise<LookOutcome> | undefined;

  constructor(
    { access, settings, timeoutMs, logTimeoutMs }: Asked,
    { ways, why }: { readonly ways: readonly QuickWay[]; readonly why: readonly string[] },
  ) {
    this.access = access;
    this.settings = settings;
    this.timeoutMs = timeoutMs;
    this.logTimeoutMs = logTimeoutMs;
    this.why = why;
    this.daemon = new Daemon({ access, timeoutMs, askPid: () => pidByExec(access, settings, timeoutMs) });
    this.candidates = ways.map((way) => {
      return { way, hasTold: false, failures: 0, reason: undefined, isGivenUp: false };
    });
  }

  look(): Promise<LookOutcome> {
    if (this.nextLook) return this.nextLook;
    if (!this.looking) return this.startLook();
    // The look in progress may show states from before this call.
    const closes = this.closes;
    this.nextLook = this.looking.then(() => this.startLook(closes));
    return this.nextLook;
  }

  async noteLogs(instance: InstanceName): Promise<void> {
    this.noted.delete(instance);
    // A Python for each would take longer than all else before a restart.
    if (this.way === undefined || this.way.kind === "exec" || whyNotAddressable(instance) !== undefined) return;
    const replies = await Promise.all(
      STREAMS.map((stream) => this.askQuickly((way, quickMs) => way.tail({ instance, stream }, quickMs), NOTING_MS)),
    );
    const [stderr, stdout] = replies.map(({ answer }) => answer && digestOf(answer.value));
    this.noted.set(instance, { stderr, stdout });
  }

  tailLog(instance: InstanceName, msSinceRestart: () => number | undefined): Promise<LogTail> {
    return readLogs({
      access: this.access,
      settings: this.settings,
      instance,
      config: this.configs.get(instance),
      noted: this.noted.get(instance),
      tail: (stream, timeoutMs) => this.tail({ instance, stream }, timeoutMs),
      msSinceRestart,
      timeoutMs: this.logTimeoutMs,
    });
  }

  async histories(instances: readonly InstanceName[]): Promise<ReadonlyMap<InstanceName, KnownHistory>> {
    return historiesOf(await this.tail("supervisord", this.logTimeoutMs), instances);
  }

  private async tail(log: Log, timeoutMs: number): Promise<TailReply> {
    const why = log === "supervisord" ? undefined : whyNotAddressable(log.instance);
    if (why !== undefined) return { kind: "unreadable", why };
    const closes = this.closes;
    const quick = await this.askQuickly((way, quickMs) => way.tail(log, quickMs), timeoutMs);
    if (closes !== this.closes) return { kind: "unreadable", why: CLOSED.reason, isLost: true };
    return quick.answer?.value ?? tailByExec(this.access, this.settings, log, timeoutMs);
  }

  async supervisorPid(): Promise<PidOutcome> {
    const closes = this.closes;
    const quick = await this.askQuickly((way, quickMs) => way.pid(quickMs), this.timeoutMs);
    if (closes !== this.closes) return { kind: "unavailable", reason: CLOSED.reason };
    if (quick.answer) return this.known(quick.answer.value);
    const pid = await pidByExec(this.access, this.settings, this.timeoutMs);
    if (pid.kind !== "known") return pid;
    this.blame(quick.failed);
    return this.known(pid.pid);
  }

  private known(pid: number): PidOutcome {
    this.daemon.answered(pid);
    const { children } = this.daemon;
    return { kind: "known", pid, ...(children.length > 0 && { children }) };
  }

  async config(instances: readonly InstanceName[]): Promise<HostConfig> {
    const closes = this.closes;
    const [quick, onHost] = await Promise.all([
      this.askQuickly((way, quickMs) => way.configs(quickMs), this.timeoutMs),
      this.files(),
    ]);
    const inFiles = new Map(instances.map((instance) => [instance, onHost.configOf(instance)]));
    // Most of it is known by now: not worth the start of another Python.
    const isInFiles = [...inFiles.values()].every((config) => config?.group_priority !== undefined);
    const loaded = quick.answer?.value ?? (isInFiles || closes !== this.closes ? undefined : await this.avail());
    const configs = instances.map(
      (instance) => [instance, merged(inFiles.get(instance), loaded?.get(instance))] as const,
    );
    this.configs = new Map(configs);
    const { files, supervisorAgeS } = onHost;
    const { neverEnded } = this;
    return {
      instances: this.configs,
      files,
      ...(supervisorAgeS !== undefined && { supervisor_age_s: supervisorAgeS }),
      ...(neverEnded && { never_ended: neverEnded }),
      ...(loaded && { differing: differing(inFiles, loaded) }),
    };
  }

  private async files(): Promise<FilesOnHost> {
    const quick = await this.askQuickly((way, quickMs) => way.pid(quickMs), this.timeoutMs);
    return configFiles(this.access, this.settings, this.timeoutMs, quick.answer?.value);
  }

  private avail(): Promise<ReadonlyMap<InstanceName, InstanceConfig>> {
    return configsByExec(this.access, this.settings, this.timeoutMs);
  }

  async troubleWithSupervisorctl(): Promise<UnseenLook | undefined> {
    if (this.way?.kind !== "xml-rpc") return undefined;
    const look = await lookByExec(this.access, this.settings, this.timeoutMs);
    // Words that are not understood are words: for looks there is a better way.
    return look.kind === "seen" || (look.kind === "unavailable" && look.code !== undefined) ? undefined : look;
  }

  async close(): Promise<void> {
    this.closes += 1;
    await Promise.all(this.candidates.map(({ way }) => way.close()));
  }

  private startLook(closes = this.closes): Promise<LookOutcome> {
    this.nextLook = undefined;
    const looking = this.lookNow(closes).finally(() => {
      if (this.looking === looking) this.looking = undefined;
    });
    this.looking = looking;
    return looking;
  }

  private async lookNow(closes: number): Promise<LookOutcome> {
    if (closes !== this.closes) return CLOSED;
    // Asked for once, and not by each way: a host that does not answer costs its connect_timeout each time.
    const connected = await this.access.connect();
    if (connected.kind === "refused") return { kind: "unreachable", reason: connected.refusal.reason };
    if (closes !== this.closes) return CLOSED;
    const quick = await this.askQuickly((way, quickMs) => way.list(quickMs), this.timeoutMs);
    if (closes !== this.closes) return CLOSED;
    if (quick.answer) return this.seen(quick.answer.value);
    const look = await lookByExec(this.access, this.settings, this.timeoutMs);
    this.inTrouble = look.kind !== "seen";
    if (look.kind !== "seen") return this.unseen(look);
    this.blame(quick.failed);
    this.answeredBy({ kind: "exec", through: "a supervisorctl for each look" });
    return this.seen(look);
  }

  private async seen(listed: Listed): Promise<LookOutcome> {
    this.neverEnded = listed.neverEnded;
    const supervisorPid = await this.daemon.listed(listed);
    return { kind: "seen", snapshots: listed.snapshots, ...(supervisorPid !== undefined && { supervisorPid }) };
  }

  private async unseen(look: Exclude<ExecLook, { kind: "seen" }>): Promise<LookOutcome> {
    if (look.kind === "unreachable") {
      await this.daemon.silent(undefined);
      return look;
    }
    const { silence, ...unseen } = look;
    const hasEnded = await this.daemon.silent(silence);
    return hasEnded ? { ...unseen, hasEnded } : unseen;
  }

  /** Gives up after half of the time, shared among the ways: one that hangs must not take the time of another. */
  private async askQuickly<Value>(
    ask: (way: QuickWay, quickMs: number) => Promise<Reply<Value>>,
    timeoutMs: number,
  ): Promise<Quick<Value>> {
    const closes = this.closes;
    const failed: Candidate[] = [];
    for (const candidate of this.candidates) {
      if (closes !== this.closes) break;
      if (candidate.isGivenUp || (this.inTrouble && candidate.way.kind === "session")) continue;
      const answer = await ask(candidate.way, timeoutMs / 2 / this.candidates.length);
      if (answer.kind === "answered") {
        this.inTrouble = false;
        this.blame(failed);
        this.answeredBy(candidate.way);
        return { answer, failed };
      }
      candidate.reason = answer.reason;
      if (!answer.passing) failed.push(candidate);
    }
    return { failed };
  }

  /** A slower way works: that these failed was not supervisord's fault. */
  private blame(failed: readonly Candidate[]): void {
    for (const candidate of failed) candidate.failures += 1;
  }

  /** Gives up what has failed too often to be asked before it. */
  private answeredBy({ kind, through }: Pick<QuickWay, "through"> & { readonly kind: LookWay["kind"] }): void {
    const why = [...this.why];
    for (const candidate of this.candidates) {
      if (candidate.way.kind === kind) {
        candidate.hasTold = true;
        candidate.failures = 0;
        candidate.reason = undefined;
        break;
      }
      candidate.isGivenUp ||= candidate.failures >= (candidate.hasTold ? FAILURES_OF_A_GOOD_WAY : 1);
      if (candidate.reason !== undefined) why.push(`no ${candidate.way.kind}: ${candidate.reason}`);
    }
    this.way = { kind, why: [through, ...why].join("; ") };
  }
}
