import { request } from "node:http";
import type { Duplex } from "node:stream";
import { Deadline } from "../executor/deadline.ts";
import type { DialTarget, HostAccess } from "../executor/ports.ts";
import { readResponse, writeCall, XmlRpcFault, type XmlRpcParam, type XmlRpcValue } from "./xml-rpc.ts";

/** No answer is that long: 10,000 processes are 10 MB. */
const LONGEST_BODY = 64 * 1024 * 1024;

export type CallOutcome =
  | { readonly kind: "answered"; readonly value: XmlRpcValue }
  | { readonly kind: "fault"; readonly code: number; readonly reason: string }
  /** It could not decode its own answer, or the like. */
  | { readonly kind: "broke" }
  | { readonly kind: "failed"; readonly reason: string };

/** Name and password of Supervisor's HTTP server. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where supervisord itself listens; undefined for what cannot be dialled. */
export function dialTargetOf(serverUrl: string): DialTarget | undefined {
  const socket = /^unix:\/\/(\/.+)$/.exec(serverUrl)?.[1];
  if (socket !== undefined) return { socket };
  const url = URL.canParse(serverUrl) ? new URL(serverUrl) : undefined;
  if (url?.protocol !== "http:") return undefined;
  return { address: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(url.port || 80) };
}

/**
 * Calls supervisord over connections that its host opens for us. One connection per call costs a round trip, and
 * none can have gone stale while supervisord was started again.
 */
export class XmlRpcClient {
  private readonly access: HostAccess;
  private readonly endpoint: DialTarget;
  private readonly credentials: Credentials | undefined;
  /** The password is sent only to a server that asks for it. */
  private isAsked = false;

  constructor(access: HostAccess, endpoint: DialTarget, credentials?: Credentials) {
    this.access = access;
    this.endpoint = endpoint;
    this.credentials = credentials;
  }

  call(method: string, params: readonly XmlRpcParam[], timeoutMs: number): Promise<CallOutcome> {
    return this.callMethod(`supervisor.${method}`, params, timeoutMs);
  }

  /** Calls methods without parameters in one request. The value is a list of theirs; the first fault is that of all. */
  async callAll(methods: readonly string[], timeoutMs: number): Promise<CallOutcome> {
    const calls = methods.map((method) => ({ methodName: `supervisor.${method}`, params: [] }));
    const outcome = await this.callMethod("system.multicall", [calls], timeoutMs);
    if (outcome.kind !== "answered" || !Array.isArray(outcome.value)) return outcome;
    for (const value of outcome.value as readonly XmlRpcValue[]) {
      const { faultCode, faultString } = (value ?? {}) as { faultCode?: XmlRpcValue; faultString?: XmlRpcValue };
      const reason = typeof faultString === "string" ? faultString : "a fault without a message";
      if (typeof faultCode === "number") return { kind: "fault", code: faultCode, reason };
    }
    return outcome;
  }

  private async callMethod(method: string, params: readonly XmlRpcParam[], timeoutMs: number): Promise<CallOutcome> {
    const deadline = new Deadline(timeoutMs);
    const body = writeCall(method, params);
    let reply = await this.post(body, deadline);
    if ("status" in reply && reply.status === 401 && this.credentials && !this.isAsked) {
      this.isAsked = true;
      reply = await this.post(body, deadline);
    }
    if ("reason" in reply) return { kind: "failed", reason: reply.reason };
    if (reply.status === 401) return { kind: "failed", reason: this.whyRefused() };
    if (reply.status === 500) return { kind: "broke" };
    if (reply.status !== 200) return { kind: "failed", reason: `supervisord answers with HTTP ${reply.status}` };
    return toOutcome(reply.text);
  }

  private async post(body: string, deadline: Deadline): Promise<Reply> {
    const dialling = this.access.dial(this.endpoint);
    const dialled = await deadline.of(dialling);
    if (!dialled) {
      void dialling.then((late) => late.kind === "open" && late.stream.destroy());
      return { reason: "no connection to supervisord in time" };
    }
    if (dialled.kind === "failed") return { reason: dialled.reason };
    const { stream } = dialled;
    stream.on("error", () => undefined);
    try {
      return (
        (await deadline.of(post(stream, body, this.headers()))) ?? { reason: "supervisord did not answer in time" }
      );
    } finally {
      stream.destroy();
    }
  }

  private headers(): Record<string, string> {
    if (!this.isAsked || !this.credentials) return {};
    const { username, password } = this.credentials;
    return { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
  }

  private whyRefused(): string {
    return this.credentials
      ? "supervisord does not take the name and password of ORCHESTRATE_SUPERVISOR_USERNAME and _PASSWORD"
      : "supervisord asks for a password (ORCHESTRATE_SUPERVISOR_USERNAME and _PASSWORD are not set)";
  }
}

type Reply = { readonly status: number; readonly text: string } | { readonly reason: string };

function post(stream: Duplex, body: string, headers: Record<string, string>): Promise<Reply> {
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve({ reason: error.message });
    const call = request({
      createConnection: () => stream,
      method: "POST",
      path: "/RPC2",
      headers: { "Content-Type": "text/xml", "Content-Length": Buffer.byteLength(body), ...headers },
    });
    call.on("error", fail);
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > LONGEST_BODY) response.destroy(new Error("supervisord's answer has no end"));
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    call.end(body);
  });
}

function toOutcome(text: string): CallOutcome {
  try {
    return { kind: "answered", value: readResponse(text) };
  } catch (error) {
    if (error instanceof XmlRpcFault) return { kind: "fault", code: error.faultCode, reason: error.message };
    return { kind: "failed", reason: (error as Error).message };
  }
}
