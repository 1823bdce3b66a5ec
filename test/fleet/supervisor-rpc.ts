import { request } from "node:http";
import { readResponse, writeCall, type XmlRpcValue } from "../../src/supervisor/xml-rpc.ts";

export type ProcessStateName =
  "STOPPED" | "STARTING" | "RUNNING" | "BACKOFF" | "STOPPING" | "EXITED" | "FATAL" | "UNKNOWN";

/** What supervisord itself says about one process. Times are Unix seconds by the host's clock. */
export interface ProcessInfo {
  /** As supervisorctl prints it: `web:web_00`, or `web` where group and name are equal. */
  readonly instance: string;
  readonly group: string;
  readonly name: string;
  readonly state: ProcessStateName;
  /** 0 when there is none. */
  readonly pid: number;
  /** When it was last started; 0 for never. */
  readonly start: number;
  /** When it last ended; 0 for never. */
  readonly stop: number;
  readonly now: number;
  readonly exitstatus: number;
  /** Why it could not be started; empty when it could. */
  readonly spawnerr: string;
}

/**
 * One XML-RPC call over supervisord's unix socket. A connection per call: none can go stale
 * when supervisord is killed and started again.
 *
 * @throws XmlRpcFault when supervisord refuses the call
 * @throws Error when nobody listens, or no answer comes within `timeoutMs`
 */
export async function callSupervisor(
  socketPath: string,
  method: string,
  params: readonly (string | boolean)[] = [],
  timeoutMs = 5_000,
): Promise<XmlRpcValue> {
  const body = writeCall(`supervisor.${method}`, params);
  const response = await new Promise<string>((resolve, reject) => {
    const call = request({
      socketPath,
      path: "/RPC2",
      method: "POST",
      agent: false,
      headers: { "Content-Type": "text/xml", "Content-Length": Buffer.byteLength(body) },
      signal: AbortSignal.timeout(timeoutMs),
    });
    call.on("error", (error) => {
      const late = error.name === "AbortError" || error.name === "TimeoutError";
      reject(late ? new Error(`${socketPath}: no answer to ${method} within ${timeoutMs} ms`) : error);
    });
    call.on("response", (message) => {
      let text = "";
      message.setEncoding("utf8");
      message.on("data", (chunk: string) => (text += chunk));
      message.on("error", reject);
      message.on("end", () => {
        if (message.statusCode === 200) resolve(text);
        else reject(new Error(`${socketPath}: HTTP ${message.statusCode}`));
      });
    });
    call.end(body);
  });
  return readResponse(response);
}

/** All processes of a supervisord, in its own order. Throws as {@link callSupervisor} does. */
export async function allProcesses(socketPath: string, timeoutMs?: number): Promise<ProcessInfo[]> {
  const answer = await callSupervisor(socketPath, "getAllProcessInfo", [], timeoutMs);
  return (answer as unknown as readonly RawProcessInfo[]).map((raw) => ({
    instance: raw.group === raw.name ? raw.name : `${raw.group}:${raw.name}`,
    group: raw.group,
    name: raw.name,
    state: raw.statename,
    pid: raw.pid,
    start: raw.start,
    stop: raw.stop,
    now: raw.now,
    exitstatus: raw.exitstatus,
    spawnerr: raw.spawnerr,
  }));
}

type RawProcessInfo = Omit<ProcessInfo, "instance" | "state"> & { readonly statename: ProcessStateName };
