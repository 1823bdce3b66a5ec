import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { matchesPatterns } from "./host-pattern.ts";

/** The keywords that are understood here. All others do not affect how a host is reached, or are in REFUSED. */
const UNDERSTOOD = new Set([
  ...["hostname", "port", "user", "identityfile", "identitiesonly", "identityagent", "connecttimeout"],
  ...["proxyjump", "proxycommand", "hostkeyalias", "hostkeyalgorithms", "stricthostkeychecking", "hashknownhosts"],
  ...["userknownhostsfile", "globalknownhostsfile", "revokedhostkeys"],
]);

/** What decides on other lines, so that leaving it out could mean another host, user or key. */
const REFUSED = new Set(["include", "match", "canonicalizehostname"]);

const SYSTEM_CONFIG = "/etc/ssh/ssh_config";

/** Each keyword in small letters, with the values of its lines. */
export type ConfigValues = ReadonlyMap<string, readonly string[]>;

export type ReadValues = { readonly values: ConfigValues } | { readonly problem: string };

/**
 * Reads ssh_config where there is no ssh that could: `Host` with its patterns, and of its keywords those that matter
 * here. The first value counts, as for ssh; identity files add up.
 *
 * @param file in place of the user's and the system's configuration; `none` for no file at all
 */
export async function readConfigFiles(address: string, home: string, file: string | undefined): Promise<ReadValues> {
  const values = new Map<string, string[]>();
  if (file === "none") return { values };
  for (const path of file === undefined ? [join(home, ".ssh", "config"), SYSTEM_CONFIG] : [file]) {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (file === undefined && code === "ENOENT") continue;
      return { problem: `${path}: ${code === "ENOENT" ? "no such file" : `cannot be read: ${code}`}` };
    }
    const problem = readInto(values, text, path, address);
    if (problem !== undefined) return { problem };
  }
  const [hostName] = values.get("hostname") ?? [];
  if (hostName !== undefined)
    values.set("hostname", [hostName.replace(/%([h%])/g, (_, token) => (token === "h" ? address : "%")).toLowerCase()]);
  return { values };
}

function readInto(values: Map<string, string[]>, text: string, path: string, address: string): string | undefined {
  let isMeant = true;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, written = "", rest = ""] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    const keyword = written.toLowerCase();
    if (REFUSED.has(keyword))
      return `${path}:${index + 1}: ${written} can only be read by ssh, which is not installed here; see ssh.config_file`;
    const words = wordsOf(rest);
    if (keyword === "host") isMeant = matchesPatterns(words, address);
    else if (isMeant && UNDERSTOOD.has(keyword)) {
      const value = keyword === "proxycommand" ? rest : words.join(" ");
      if (keyword === "identityfile") values.set(keyword, [...(values.get(keyword) ?? []), value]);
      else if (!values.has(keyword)) values.set(keyword, [value]);
    }
  }
  return undefined;
}

/** Words, maybe in quotes; a comment ends them. */
function wordsOf(text: string): readonly string[] {
  const words = [...text.matchAll(/(["'])(.*?)\1|(#.*)|(\S+)/g)];
  const comment = words.findIndex(([, , , remark]) => remark !== undefined);
  return words.slice(0, comment === -1 ? undefined : comment).map(([, , quoted, , plain]) => quoted ?? plain ?? "");
}
