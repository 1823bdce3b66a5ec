import { urlOf } from "../../domain/check-url.ts";
import type { Check, RunsOn } from "../../domain/settings.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import { schemaAt } from "../schema/plan-schema.ts";
import type { RawCheck, RawSettings } from "../schema/raw-plan.ts";
import { OF_INSTANCE, readTemplate, type Template, type Use } from "./templates.ts";

/** A check whose timeout may still come from `timings.command_timeout`, which another level may set. */
export interface OwnCheck {
  readonly template: Template;
  /** The check, when the timeout of commands is known. */
  withTimeout(commandTimeoutMs: number): Check;
}

const IN_COMMAND: Use = { where: "a check", known: OF_INSTANCE, vars: true, quoting: "shell" };
const IN_URL: Use = { ...IN_COMMAND, quoting: "url" };

/** Reads a level's list of checks as far as it goes; undefined when the level has none of its own. */
export function readChecks(
  list: RawSettings["checks"],
  path: Path,
  findings: Findings,
): readonly OwnCheck[] | undefined {
  return list?.flatMap((check, index) => (check && readCheck(check, [...path, index], findings)) ?? []);
}

function readCheck(raw: RawCheck, path: Path, findings: Findings): OwnCheck | undefined {
  const { http, tcp, command, timeout } = raw;
  const from: RunsOn = raw.from ?? "host";
  const passes = raw.passes === undefined ? {} : { passes: raw.passes };
  const ms = timeout === undefined ? undefined : readDuration(timeout, [...path, "timeout"], findings, "above zero");
  if (http === undefined && "status" in raw)
    findings.atKey([...path, "status"], { code: "status_without_http", message: "only an http check has a status" });
  if (http !== undefined) {
    const template = readTemplate(http, [...path, "http"], IN_URL, findings);
    judgeUrl(http, template.path, findings);
    const status = raw.status ?? DEFAULT_STATUS;
    return {
      template,
      withTimeout: (otherMs) => ({ kind: "http", url: http, status, from, ...passes, timeout_ms: ms ?? otherMs }),
    };
  }
  if (tcp !== undefined) {
    const template = readTemplate(tcp, [...path, "tcp"], IN_URL, findings);
    judgeAddress(tcp, template.path, findings);
    return {
      template,
      withTimeout: (otherMs) => ({ kind: "tcp", address: tcp, from, ...passes, timeout_ms: ms ?? otherMs }),
    };
  }
  if (command === undefined) return undefined;
  const template = readTemplate(command, [...path, "command"], IN_COMMAND, findings);
  return {
    template,
    withTimeout: (otherMs) => ({ kind: "command", command, from, ...passes, timeout_ms: ms ?? otherMs }),
  };
}

const DEFAULT_STATUS = schemaAt(["checks", 0, "status"])?.default as number;

/** Placeholders and references, whose values are not known yet. In brackets only an IPv6 address can stand. */
const UNKNOWN = /\$?\{[^{}]*\}/g;
const UNKNOWN_IPV6 = /\[\$?\{[^{}]*\}\]/g;

function judgeUrl(url: string, path: Path, findings: Findings): void {
  const sample = url.replaceAll(UNKNOWN_IPV6, "[::1]").replaceAll(UNKNOWN, "1");
  const authority = /^https?:\/\/([^/?#]*)/i.exec(sample)?.[1];
  if (authority === undefined) return;
  if (/^[^@]*:[^@]+@/.test(authority) && !/^https?:\/\/[^/?#]*\$\{/.test(url)) {
    findings.atValue(path, {
      code: "password_in_url",
      message: "must not contain a password",
      suggestion: "take it from the environment: ${NAME}",
    });
  } else if (authority === "" || !urlOf({ kind: "http" }, sample))
    findings.atValue(path, { code: "invalid_url", message: "is not a valid URL" });
}

function judgeAddress(address: string, path: Path, findings: Findings): void {
  const known = address.replaceAll(UNKNOWN, "1");
  const port = /^(?:\[[0-9A-Fa-f:.%\w]+\]|[^:[\]]+):(\d{1,9})$/.exec(known)?.[1];
  // A variable may hold both.
  if (port === undefined && !(address.includes("${") && !known.includes(":"))) {
    findings.atValue(path, {
      code: "invalid_address",
      message: "must be an address and a port, such as 127.0.0.1:8080",
      suggestion: "an IPv6 address stands in brackets: [::1]:8080",
    });
  } else if (port !== undefined && known === address && (Number(port) < 1 || Number(port) > 65_535)) {
    findings.atValue(path, { code: "invalid_address", message: "must have a port from 1 to 65535" });
  }
}
