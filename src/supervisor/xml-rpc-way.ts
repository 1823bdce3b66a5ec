import { addressOf } from "../domain/address.ts";
import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";
import { PROCESS_STATES, type ProcessSnapshot } from "../domain/process-state.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import { Deadline } from "../executor/deadline.ts";
import type { HostAccess } from "../executor/ports.ts";
import { isSupervisorctl, tailBytes, type Log } from "./commands.ts";
import { knownConfig } from "./config-sections.ts";
import { inNaturalOrder } from "./status-text.ts";
import { TAIL_FAULTS, type TailReply } from "./tail-reply.ts";
import { answered, unanswered, type Listed, type QuickWay, type Reply } from "./way.ts";
import { dialTargetOf, XmlRpcClient, type CallOutcome, type Credentials } from "./xml-rpc-client.ts";
import type { XmlRpcValue } from "./xml-rpc.ts";

type XmlRpcStruct = Readonly<Record<string, XmlRpcValue>>;

/**
 * Asks supervisord itself, where the plan says at what it listens and the login may connect to that.
 *
 * @returns why it cannot be, where there is nothing to connect to, or not for certain what the plan's command talks to
 */
export function xmlRpcWay(
  access: HostAccess,
  settings: SupervisorSettings,
  credentials?: Credentials,
): QuickWay | string {
  const { command, server_url } = settings;
  if (server_url === undefined) return "the plan gives no server_url";
  const endpoint = dialTargetOf(server_url);
  if (!endpoint) return `${server_url} is not unix:///… or http://…`;
  // A script may go into a container, where the same path is another socket.
  if (!isSupervisorctl(settings)) return `${command} may talk to another supervisord`;
  const client = new XmlRpcClient(access, endpoint, credentials);
  return {
    kind: "xml-rpc",
    through: server_url,
    async list(timeoutMs) {
      // In one request: both are of the same supervisord, and it takes no longer than one of them.
      const answer = await client.callAll(["getAllProcessInfo", "getPID"], timeoutMs);
      return read(answer, toListed);
    },
    async tail(log, timeoutMs) {
      const deadline = new Deadline(timeoutMs);
      for (const bytes of tailBytes(log)) {
        const answer = await client.call(...tailCall(log, bytes), deadline.leftMs);
        if (answer.kind === "broke") continue;
        const why = answer.kind === "fault" ? TAIL_FAULTS.get(answer.code) : undefined;
        if (why !== undefined) return answered({ kind: "none", why });
        return read(answer, toTail);
      }
      return read({ kind: "broke" }, toTail);
    },
    async pid(timeoutMs) {
      const answer = await client.call("getPID", [], timeoutMs);
      return read(answer, toPid);
    },
    async configs(timeoutMs) {
      const answer = await client.call("getAllConfigInfo", [], timeoutMs);
      return read(answer, toConfigs);
    },
    // There is a connection per call only.
    close: () => Promise.resolve(),
  };
}

function read<Value>(outcome: CallOutcome, toValue: (value: XmlRpcValue) => Value | undefined): Reply<Value> {
  switch (outcome.kind) {
    case "broke":
      return unanswered("supervisord answers with HTTP 500");
    case "fault":
    case "failed":
      return unanswered(outcome.reason);
    case "answered": {
      const value = toValue(outcome.value);
      return value === undefined ? unanswered("supervisord's answer has an unknown form") : answered(value);
    }
  }
}

function tailCall(log: Log, bytes: number): [method: string, parameters: readonly (string | number)[]] {
  if (log === "supervisord") return ["readLog", [-bytes, 0]];
  const method = log.stream === "stderr" ? "readProcessStderrLog" : "readProcessStdoutLog";
  return [method, [addressOf(log.instance), -bytes, 0]];
}

function toTail(value: XmlRpcValue): TailReply | undefined {
  return typeof value === "string" ? { kind: "text", text: value } : undefined;
}

function toPid(value: XmlRpcValue): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}

function toListed(value: XmlRpcValue): Listed | undefined {
  if (!Array.isArray(value)) return undefined;
  const [infos = null, pid = null] = value as readonly XmlRpcValue[];
  const snapshots = toSnapshots(infos);
  const supervisorPid = toPid(pid);
  return (
    snapshots && { snapshots, ...(supervisorPid !== undefined && { supervisorPid }), neverEnded: toNeverEnded(infos) }
  );
}

/** supervisor/process.py: `laststop` is 0 until a process ends, and again in a group that an update has made. */
function toNeverEnded(infos: XmlRpcValue): ReadonlySet<InstanceName> {
  const all = Array.isArray(infos) ? (infos as readonly XmlRpcValue[]) : [];
  return new Set(
    all.flatMap((info) => {
      if (!isStruct(info) || info["stop"] !== 0) return [];
      const { group, name } = info;
      return typeof group === "string" && typeof name === "string" ? [instanceOf(group, name)] : [];
    }),
  );
}

/** All or nothing: one that cannot be read would look as if it had vanished. */
function toSnapshots(value: XmlRpcValue): ProcessSnapshot[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const snapshots: ProcessSnapshot[] = [];
  for (const info of value as readonly XmlRpcValue[]) {
    const snapshot = toSnapshot(info);
    if (!snapshot) return undefined;
    snapshots.push(snapshot);
  }
  return inNaturalOrder(snapshots);
}

/** As supervisorctl would print it and we would read it, so that it makes no difference which way was taken. */
function toSnapshot(info: XmlRpcValue): ProcessSnapshot | undefined {
  if (!isStruct(info)) return undefined;
  const { group, name, statename, description, pid, start, now } = info;
  const state = PROCESS_STATES.find((known) => known === statename);
  if (typeof group !== "string" || typeof name !== "string" || !state) return undefined;
  const instance = instanceOf(group, name);
  if (state !== "RUNNING") return { instance, state, ...described(description) };
  if (typeof pid !== "number" || typeof start !== "number" || typeof now !== "number") return undefined;
  // Less than 0 after the clock of the host was set back.
  return { instance, state, pid, uptime_s: Math.max(0, now - start) };
}

/** A process that is not in use is on disk only; before 4.2 Supervisor reported names and priorities only. */
function toConfigs(value: XmlRpcValue): ReadonlyMap<InstanceName, InstanceConfig> | undefined {
  if (!Array.isArray(value)) return undefined;
  const configs = new Map<InstanceName, InstanceConfig>();
  for (const info of value as readonly XmlRpcValue[]) {
    if (!isStruct(info)) return undefined;
    const { group, name, inuse } = info;
    if (typeof group !== "string" || typeof name !== "string") return undefined;
    if (inuse === true) configs.set(instanceOf(group, name), toConfig(info));
  }
  return configs;
}

function toConfig(info: XmlRpcStruct): InstanceConfig {
  const number = (key: string) => (typeof info[key] === "number" ? info[key] : undefined);
  const boolean = (key: string) => (typeof info[key] === "boolean" ? info[key] : undefined);
  const { exitcodes } = info;
  const areNumbers = Array.isArray(exitcodes) && exitcodes.every((code) => typeof code === "number");
  return knownConfig({
    group_priority: number("group_prio"),
    priority: number("process_prio"),
    autostart: boolean("autostart"),
    exitcodes: areNumbers ? exitcodes : undefined,
    startsecs: number("startsecs"),
    startretries: number("startretries"),
    stopwaitsecs: number("stopwaitsecs"),
    redirect_stderr: boolean("redirect_stderr"),
    stdout_logfile: logOf(info, "stdout"),
    stderr_logfile: logOf(info, "stderr"),
  });
}

/** As it would be written in a file. */
function logOf(info: XmlRpcStruct, stream: "stdout" | "stderr"): string | undefined {
  if (info[`${stream}_syslog`] === true) return "syslog";
  const file = info[`${stream}_logfile`];
  if (typeof file !== "string") return undefined;
  return file === "auto" || file === "none" ? file.toUpperCase() : file;
}

function isStruct(value: XmlRpcValue): value is XmlRpcStruct {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function described(description: XmlRpcValue | undefined): { description?: string } {
  const text = typeof description === "string" ? description.trim() : "";
  return text === "" ? {} : { description: text };
}

/** supervisor/options.py, `make_namespec`. */
function instanceOf(group: string, name: string): InstanceName {
  return (group === name ? name : `${group}:${name}`) as InstanceName;
}
