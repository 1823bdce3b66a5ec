import { formatDuration, parseDuration } from "../../domain/duration.ts";
import { isPlainMap } from "../text/compose.ts";
import type { Path } from "../text/path.ts";
import { actionMeant, signalMeant } from "./action-words.ts";
import { didYouMean } from "./nearest.ts";
import { resolved, type Schema } from "./plan-schema.ts";

/** The right form of a value of the wrong kind or form, where it can be guessed. Never by leaving blanks out of words. */
export function valueMeant(value: unknown, path: Path, schema: Schema): string | undefined {
  return byPlace(value, path) ?? byForm(value, schema);
}

/** A value that has the kind of another key, or that is written in another tool's way. */
function byPlace(value: unknown, path: Path): string | undefined {
  const key = typeof path.at(-1) === "number" ? path.at(-2) : path.at(-1);
  const isItem = typeof path.at(-1) === "number";
  const text = typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  const words = text?.split(/[\s,]+/).filter((word) => word !== "") ?? [];
  switch (key) {
    case "action":
      return text === undefined ? undefined : actionAsked(text);
    case "signal":
      return signalAsked(value);
    case "programs":
      return programsMeant(text, words);
    case "command":
      return path.at(-2) === "supervisor" && text !== undefined ? commandMeant(words) : undefined;
    case "server_url":
      return text === undefined ? undefined : serverUrlMeant(text);
    case "hosts":
      if (path.length === 1) return text === undefined ? undefined : `write it as a key: ${words[0]}:`;
      return isPlainMap(value) ? `a group lists its hosts: [${Object.keys(value).join(", ")}]` : undefined;
    case "address": {
      const [, user, host] = /^([^@\s]+)@([^@\s]+)$/.exec(text ?? "") ?? [];
      return host && `write address: ${host} and ssh: { user: ${user} }`;
    }
    case "hosts_from":
      return text && `did you mean { ansible: ${text} }?`;
    case "batches":
      return isScalarQuantity(value) ? `did you mean { hosts: ${value} }?` : undefined;
    case "rollout":
      return text && `did you mean "- group: ${text}"?`;
    case "host_key_checking":
      return value === false || /^(no|false)$/i.test(text ?? "") ? 'did you mean "off"?' : undefined;
    case "checks":
      return checkMeant(value, isItem);
    case "tcp":
      return tcpMeant(value);
    case "http":
      return text !== undefined && /^[\w.[\]:{}-]+(\/|$)/.test(text) && !text.includes("://")
        ? `did you mean "http://${text}"?`
        : undefined;
    case "vars":
      return Array.isArray(value) ? varsMeant(value) : undefined;
    default:
      break;
  }
  if (text !== undefined && isProgramEntry(path)) return processMeant(key, text);
  if (path[0] === "hosts" && path.length === 2 && text !== undefined) return `did you mean { address: ${text} }?`;
  if (path[0] === "groups" && path.length === 2 && Array.isArray(value))
    return `did you mean { hosts: ${JSON.stringify(value).replaceAll('"', "").replaceAll(",", ", ")} }?`;
  if (path[0] === "groups" && path.length === 1 && Array.isArray(value) && typeof value[0] === "string")
    return `each is a key of its own, with its hosts: ${value[0]}: { hosts: … }`;
  if (path.at(-2) === "hooks" && Array.isArray(value) && value.every((word) => typeof word === "string"))
    return `a shell runs it: write ${JSON.stringify(value.join(" "))}`;
  return undefined;
}

/** Of `- app: …` and `programs: { app: … }`. */
function isProgramEntry(path: Path): boolean {
  return path.at(-2) === "programs" || (path.at(-3) === "programs" && typeof path.at(-2) === "number");
}

/** `- app: web`, where a blank makes a map of one name. */
function processMeant(key: Path[number] | undefined, text: string): string | undefined {
  return /^[^\s:]+$/.test(text) ? `did you mean "${String(key)}:${text}", in quotes?` : undefined;
}

function actionAsked(text: string): string | undefined {
  const meant = actionMeant(text);
  if (meant === undefined) return undefined;
  return typeof meant === "string" ? `did you mean "${meant}"?` : `did you mean { signal: ${meant.signal} }?`;
}

function signalAsked(value: unknown): string | undefined {
  const meant = signalMeant(value);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return typeof value === "string" && /^(sig)?kill$/i.test(value)
    ? "action: stop ends a process, and Supervisor kills one that ignores its stop signal"
    : undefined;
}

function programsMeant(text: string | undefined, words: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  const [, group, process] = /^([^\s,:]+): +([^\s,:]+)$/.exec(text) ?? [];
  if (group !== undefined) return `did you mean "${group}:${process}"?`;
  if (words.some((word) => word.startsWith("-"))) return 'an item of a list needs a blank after its dash: "- web"';
  return words.length > 1 ? `several programs are a list: [${words.join(", ")}]` : undefined;
}

/** supervisorctl's arguments, and sudo, are keys of their own. */
function commandMeant(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /(^|\/)supervisorctl$/.test(word));
  const rest = words.slice(at);
  const keys = words[0] === "sudo" ? ["sudo: true"] : [];
  const command = rest.shift();
  if (command === undefined || at === -1 || (at > 0 && words[0] !== "sudo"))
    return "name a script on the host that runs it with its arguments";
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, option = "", joined] = /^(-c|-s|--configuration|--serverurl)=?(.*)$/.exec(word) ?? [];
    if (option === "") return "supervisor.config and supervisor.server_url are its -c and -s";
    const value = joined || rest.shift() || "";
    keys.push(`${/^--?c/.test(option) ? "config" : "server_url"}: ${JSON.stringify(value)}`);
  }
  if (command !== "supervisorctl") keys.unshift(`command: ${command}`);
  return keys.length === 0 ? undefined : `write supervisor: { ${keys.join(", ")} }`.replaceAll('"', "");
}

function serverUrlMeant(text: string): string | undefined {
  if (text.startsWith("/")) return `did you mean "unix://${text}"?`;
  const [, address] = /^(?:https?:\/\/)?(?:[^/@]*@)?([\w.-]+:\d+\/?(?:RPC2)?)$/.exec(text) ?? [];
  return address && `did you mean "http://${address}"?`;
}

function checkMeant(value: unknown, isItem: boolean): string | undefined {
  if (isItem && typeof value === "string") {
    if (/^(http|tcp|command): /.test(value)) return `did you mean - ${value}, without quotes?`;
    const kind = /^https?:/.test(value) ? "http" : /^[\w.[\]-]+:\d+$/.test(value) ? "tcp" : "command";
    return `did you mean "- ${kind}: ${value}"?`;
  }
  if (isItem && isPlainMap(value) && ["http", "tcp", "command"].filter((kind) => kind in value).length > 1)
    return "write each as a check of its own";
  return !isItem && isPlainMap(value) ? 'checks are a list: put "- " before it' : undefined;
}

function tcpMeant(value: unknown): string | undefined {
  if (typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)))
    return `did you mean "127.0.0.1:${value}"?`;
  return typeof value === "string" && /^[^/]+:\d+\//.test(value) ? `a path is for http: "http://${value}"` : undefined;
}

function varsMeant([first]: readonly unknown[]): string | undefined {
  const [, name, value] = /^(\w+)[=:] *(.*)$/.exec(typeof first === "string" ? first : "") ?? [];
  return name && `did you mean { ${name}: ${value} }?`;
}

function isScalarQuantity(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && /^\d+%?$/.test(value));
}

/** Other tools' words for values of ours. */
const WORDS: Readonly<Record<string, string>> = {
  abort: "stop",
  halt: "stop",
  fail: "stop",
  prompt: "ask",
  manual: "ask",
  rolling: "sliding",
  parallel: "sliding",
  batch: "lockstep",
};

/** A value that is nearly one that the schema takes. */
function byForm(value: unknown, { anyOf = [], ...own }: Schema): string | undefined {
  const schema = anyOf.reduce<Schema>((all, branch) => ({ ...all, ...resolved(branch) }), own);
  const fits = (text: string) => schema.pattern !== undefined && new RegExp(schema.pattern, "u").test(text);
  const quantity = quantityMeant(value);
  if (quantity !== undefined && schema.pattern?.includes("%") && fits(quantity))
    return `did you mean ${JSON.stringify(quantity)}?`;
  const outOfBounds = boundOf(value, schema);
  if (outOfBounds !== undefined) return outOfBounds;
  if (typeof value === "number") {
    if (fits(String(value))) return `did you mean "${value}", in quotes?`;
    return fits(`${value}s`) ? `did you mean "${value}s"?` : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (schema.type === "boolean" && /^(yes|on|true)$/i.test(value)) return "did you mean true?";
  if (schema.type === "boolean" && /^(no|off|false)$/i.test(value)) return "did you mean false?";
  const number =
    schema.type === "integer"
      ? /^\d+$/.test(value)
      : schema.enum?.some((allowed) => typeof allowed === "number" && String(allowed) === value);
  if (number) return `did you mean ${value}, without quotes?`;
  const duration = durationMeant(value);
  if (duration !== undefined && fits(duration)) return `did you mean ${JSON.stringify(duration)}?`;
  const list = value.replace(/\s*,\s*/g, ",");
  if (list !== value && fits(list)) return `did you mean ${JSON.stringify(list)}?`;
  const words = (schema.enum ?? []).filter((allowed) => typeof allowed === "string");
  const word = WORDS[value.toLowerCase()];
  return word !== undefined && words.includes(word) ? `did you mean "${word}"?` : didYouMean(value, words);
}

/** Units as people write them. */
const UNITS_MS: readonly (readonly [RegExp, number])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/, 1],
  [/^(s|secs?|seconds?)$/, 1000],
  [/^(m|mins?|minutes?)$/, 60_000],
  [/^(h|hrs?|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
];

/** `10sec`, `1 min`, `1.5s`, `1m 30s`, `2 hours and 5 minutes` as a plan writes them. */
function durationMeant(text: string): string | undefined {
  const parts = [...text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)];
  const rest = text
    .toLowerCase()
    .replace(/(\d+(?:\.\d+)?)\s*([a-z]+)/g, "")
    .replace(/and|[\s,]/g, "");
  if (parts.length === 0 || rest !== "") return undefined;
  let ms = 0;
  for (const [, number, unit = ""] of parts) {
    const factor = UNITS_MS.find(([names]) => names.test(unit))?.[1];
    if (factor === undefined) return undefined;
    ms += Math.round(Number(number) * factor);
  }
  const written = formatDuration(ms);
  return parseDuration(written) === ms ? written : undefined;
}

/** `25 %`, `25 percent`, 0.25 and `all` as a plan writes them. */
function quantityMeant(value: unknown): string | undefined {
  if (typeof value === "number") return value > 0 && value < 1 ? `${Number((value * 100).toFixed(4))}%` : undefined;
  if (typeof value !== "string") return undefined;
  if (value === "all") return "100%";
  const [, number] = /^(\d+(?:\.\d+)?) *(?:%|percent|pct)$/i.exec(value) ?? [];
  return number !== undefined && `${number}%` !== value ? `${number}%` : undefined;
}

/** Of a quantity that is too small or too large, how far it may go. */
function boundOf(value: unknown, { pattern, minimum }: Schema): string | undefined {
  const percent = typeof value === "string" ? /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1] : undefined;
  if (percent !== undefined && pattern?.includes("100") && Number(percent) > 100) return "a percentage is 100% at most";
  const tooSmall =
    typeof value === "number" ? minimum !== undefined && value < minimum : percent !== undefined && Number(percent) < 1;
  return tooSmall && pattern?.includes("%") ? `${minimum}${percent === undefined ? "" : "%"} is the least` : undefined;
}
