import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { urlOf } from "../../domain/check-url.ts";
import type { CheckOutcome } from "../../domain/outcomes.ts";
import { fill, pidValues, placeholderValues, type PlaceholderValues } from "../../domain/placeholders.ts";
import { templateOf, type Check } from "../../domain/settings.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { Checker, CheckRoutes, DialOutcome, DialTarget, HostAccess } from "../../executor/ports.ts";
import { endOf, shellScript } from "./shell-script.ts";

/** A way onto the host and one onto the controller: a check says from which of the two it looks. */
export interface CheckWays {
  readonly host: HostAccess;
  readonly controller: HostAccess;
}

/** Runs the plan's checks of one host's instances. @param env for `${NAME}`, expanded here and nowhere else */
export function createChecker(target: HostTarget, ways: CheckWays, env: NodeJS.ProcessEnv): Checker {
  return {
    async check(check, { instance, vars, ...pids }) {
      const of = { host: target.name, address: target.address, vars, ...pidValues(pids) };
      const values = placeholderValues(of, instance);
      const bound = boundOf(check.timeout_ms);
      try {
        return await Promise.race([bound.passed, attempt(check, values, ways[check.from], env, bound.signal)]);
      } finally {
        bound.clear();
      }
    },
  };
}

/** Lets a check end in time whatever it hangs in. */
function boundOf(timeoutMs: number) {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<CheckOutcome>((resolve) => {
    timer = setTimeout(() => {
      resolve({ kind: "timed_out", after_ms: timeoutMs });
      abort.abort();
    }, timeoutMs);
  });
  return { passed, signal: abort.signal, clear: () => clearTimeout(timer) };
}

async function attempt(
  check: Check,
  values: PlaceholderValues,
  access: HostAccess,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const template = templateOf(check);
  const filled = fill(template, values, env, check.kind === "command" ? "shell" : "url");
  if ("missing" in filled) return impossible(`${filled.missing} has no value for this instance`);
  switch (check.kind) {
    case "command":
      return runCommand(access, filled.text, check.timeout_ms);
    case "tcp": {
      const address = urlOf(check, filled.text);
      if (!address) return impossible("with its placeholders filled in, it is not an address with a port");
      const dialled = await dial(access, destinationOf(address), signal);
      if (dialled.kind !== "open") return failed(dialled.reason);
      dialled.stream.destroy();
      return { kind: "passed" };
    }
    case "http": {
      const url = urlOf(check, filled.text);
      if (!url) return impossible("with its placeholders filled in, it is not a URL");
      return request(access, url, check.status, signal);
    }
  }
}

/** Where no program listens: an sshd that forwards says so, one that does not says that. */
const NOBODYS: Destination = { address: "127.0.0.1", port: 1 };

/** @param env for `${NAME}`, expanded here and nowhere else */
export function createCheckRoutes(target: HostTarget, host: HostAccess, env: NodeJS.ProcessEnv): CheckRoutes {
  return {
    async barrier(check, instance, vars) {
      if (check.kind === "command" || check.from === "controller") return undefined;
      // No pid makes a difference to the way.
      const of = { host: target.name, address: target.address, vars, ...pidValues({}) };
      const filled = fill(templateOf(check), placeholderValues(of, instance), env, "url");
      const url = "text" in filled ? urlOf(check, filled.text) : undefined;
      if (!url) return undefined;
      const bound = boundOf(check.timeout_ms);
      const whyForbidden = async (to: Destination) => {
        const dialled = await Promise.race([bound.passed, dial(host, to, bound.signal)]);
        if (dialled.kind === "open") dialled.stream.destroy();
        return dialled.kind === "failed" && "forbidden" in dialled ? dialled.reason : undefined;
      };
      try {
        return (await whyForbidden(NOBODYS)) && (await whyForbidden(destinationOf(url)));
      } finally {
        bound.clear();
      }
    },
  };
}

async function runCommand(access: HostAccess, command: string, timeoutMs: number): Promise<CheckOutcome> {
  const { argv, stdin } = shellScript(command);
  const outcome = await access.run(argv, { timeoutMs, stdin });
  switch (outcome.kind) {
    case "exited":
      return outcome.code === 0 ? { kind: "passed" } : failed(endOf(outcome));
    case "signalled":
      return failed(endOf(outcome));
    case "timed_out":
      return { kind: "timed_out", after_ms: outcome.afterMs };
    case "unreachable":
    case "indeterminate":
      return failed(outcome.reason);
  }
}

async function request(access: HostAccess, url: URL, status: number, signal: AbortSignal): Promise<CheckOutcome> {
  const secure = url.protocol === "https:";
  const dialled = await dial(access, destinationOf(url), signal);
  if (dialled.kind !== "open") return failed(dialled.reason);
  const stream = secure ? tlsConnect({ socket: dialled.stream, ...certifiedName(url) }) : dialled.stream;
  return new Promise((resolve) => {
    const { request: send } = secure ? https : http;
    const sent = send(url, { createConnection: () => stream, headers: { connection: "close" } }, (response) => {
      const { statusCode } = response;
      resolve(statusCode === status ? { kind: "passed" } : failed(`status ${statusCode} instead of ${status}`));
      response.resume();
      sent.destroy();
    });
    sent.on("error", (error) => resolve(failed(error.message)));
    sent.end();
  });
}

/** Of an address a certificate is judged, but no server is asked for it by name. */
function certifiedName({ hostname }: URL): { readonly host: string; readonly servername?: string } {
  const host = withoutBrackets(hostname);
  return isIP(host) === 0 ? { host, servername: host } : { host };
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

type Destination = Extract<DialTarget, { port: number }>;

function destinationOf({ hostname, port, protocol }: URL): Destination {
  const usual = { "http:": 80, "https:": 443 }[protocol] ?? 0;
  return { address: withoutBrackets(hostname), port: port === "" ? usual : Number(port) };
}

/** Dials. A connection that is open when the check's time is up is closed. */
async function dial(access: HostAccess, to: Destination, signal: AbortSignal): Promise<DialOutcome> {
  const dialled = await access.dial(to);
  if (dialled.kind === "open") endWith(dialled.stream, signal);
  return dialled;
}

function endWith(stream: Duplex, signal: AbortSignal): void {
  if (signal.aborted) stream.destroy();
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  // What comes after the answer is of no interest, and without a listener it would end the process.
  stream.on("error", () => undefined);
}

function failed(reason: string): CheckOutcome {
  return { kind: "failed", reason };
}

function impossible(reason: string): CheckOutcome {
  return { kind: "impossible", reason };
}
