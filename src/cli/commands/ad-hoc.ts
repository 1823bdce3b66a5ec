import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { stringify } from "yaml";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { printable } from "../../domain/printable.ts";
import { parsePlan } from "../../planner/plan/load.ts";
import { withSettings } from "../../planner/plan/set-layer.ts";
import { formatDiagnostic } from "../../planner/text/diagnostic.ts";
import { readDocument } from "../../planner/text/document.ts";
import { stateDir } from "../../state/state-dir.ts";
import { shellCommand } from "../../views/report/next-steps.ts";
import type { AdHocArguments, RunArguments } from "../arguments/arguments.ts";
import { ansibleInventory } from "../prepare/ansible-inventory.ts";

/** Where errors are shown of the plan that the command line is. */
const LABEL = "--hosts";

/** Keys of the plan whose values are paths: on the command line relative to where it is typed. */
const PATHS = [
  ["ssh", "identity_file"],
  ["ssh", "known_hosts_file"],
  ["ssh", "config_file"],
  ["hosts_from", "ansible"],
] as const;

/** The arguments with a plan, made of the command line, that has no file yet. */
export interface AdHocPlan {
  readonly given: RunArguments;
  /** Writes its file, which a resume needs, next to the journals. Returns the exit code if it cannot, and reports why. */
  readonly keep: () => ExitCode | undefined;
}

/**
 * `orchestrate --hosts PATTERN --program NAME`: makes a plan of the command line, which is then one like any other. Or it
 * writes it where the user asks for it, and nothing runs.
 */
export function planOfWords(given: RunArguments, words: AdHocArguments): AdHocPlan | ExitCode {
  const base = textOf(dataOf(words));
  const loaded = parsePlan(base, LABEL, process.env, { inventory: ansibleInventory, settings: given.set });
  if (!loaded.ok) {
    process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
    return EXIT.invalid;
  }
  const data = dataWithSettings(base, given.set);
  if (words.savePlan !== undefined) return save(words.savePlan, textOf(data), given);
  const name = loaded.plan.name === LABEL ? nameOf(words) : loaded.plan.name;
  const text = textOf({ ...data, name });
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  const file = join(resolve(stateDir(given.stateDir, process.env)), "plans", `${nameOf(words)}-${hash}.yaml`);
  const { set: _, ...plan } = loaded.plan;
  return {
    given: { ...given, plan: file, set: [], loaded: { ...plan, name, file } },
    keep: () => {
      const problem = write(file, text);
      return problem === undefined ? undefined : failed(file, problem);
    },
  };
}

function nameOf({ programs: [program = ""] }: AdHocArguments): string {
  return (
    program
      .replace(/[^\w.-]+/g, "-")
      .replace(/^[-.]+|[-.]+$/g, "")
      .slice(0, 80) || "plan"
  );
}

function dataOf({ hosts, programs, user, sudo, action }: AdHocArguments): Record<string, unknown> {
  return {
    version: 1,
    programs: split(programs),
    hosts: Object.fromEntries(split(hosts).map((host) => [host, null])),
    ...(user !== undefined && { ssh: { user } }),
    ...(sudo && { supervisor: { sudo: true } }),
    ...(action !== undefined && { action }),
  };
}

/** The data of the plan with the settings in it, and paths that are right wherever its file is. */
function dataWithSettings(base: string, settings: readonly string[]): Record<string, unknown> {
  const { document } = readDocument(LABEL, base, new WeakMap());
  if (!document) throw new Error("the plan of a command line cannot be read again");
  const data = JSON.parse(JSON.stringify(withSettings(document, settings).document.data)) as Record<
    string,
    Record<string, unknown> | undefined
  >;
  for (const [section, key] of PATHS) {
    const path = data[section]?.[key];
    if (typeof path === "string" && !isAbsolute(path) && !/^~|\$\{/.test(path))
      data[section] = { ...data[section], [key]: resolve(path) };
  }
  return data;
}

/** As a person would write it: a host without settings has nothing behind it. */
function textOf(data: Record<string, unknown>): string {
  return stringify(data, { nullStr: "" });
}

/** Several in one word, as they are listed elsewhere; not the commas within the brackets of a node set. */
function split(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(/,(?![^[]*\])/)).filter((word) => word !== "");
}

function save(file: string, text: string, given: RunArguments): ExitCode {
  const problem = write(file, text, "wx");
  if (problem !== undefined) return failed(file, problem);
  process.stdout.write(
    [
      `${printable(file)}: written; nothing was contacted`,
      `  look at it:  ${shellCommand([file, "--dry-run"])}`,
      `  run it:      ${shellCommand([file, ...(given.reason === undefined ? [] : ["--reason", given.reason])])}`,
      "",
    ].join("\n"),
  );
  return EXIT.done;
}

/** Returns why it cannot be written, if it cannot. @param flag `wx`: a file that is there is left as it is */
function write(file: string, text: string, flag: "w" | "wx" = "w"): string | undefined {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { flag, mode: 0o600 });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? "it is there already" : (error as Error).message;
  }
}

function failed(file: string, why: string): ExitCode {
  process.stderr.write(`orchestrate: the plan cannot be written to ${printable(file)}: ${printable(why)}\n`);
  return EXIT.invalid;
}
