import { homedir } from "node:os";
import type { Command, Option } from "commander";
import { planNames, type PlanNames } from "../../planner/plan/plan-names.ts";
import { planSchema, propertiesOf, type Schema } from "../../planner/schema/plan-schema.ts";
import { revertedIn, rolloutsOf, unfinishedIn, type Described } from "./rollout-ids.ts";

/** The answer to a shell: the words that may stand here, and whether paths may. */
export interface Candidates {
  readonly words: readonly Described[];
  /** Of plans, of any file, or of folders: the shell itself knows best how paths are completed. */
  readonly paths?: "plans" | "files" | "folders";
}

const NONE: Candidates = { words: [] };

/** What has been typed before the word in question, as far as it matters for it. */
interface Before {
  readonly command: Command;
  readonly positionals: readonly string[];
  readonly used: ReadonlySet<Option>;
  readonly values: ReadonlyMap<string, string>;
  /** The option whose value the word is. */
  readonly awaits?: Option;
  readonly onlyPositionals: boolean;
}

/**
 * What may stand at the end of a command line. Options and their choices are read from the very description that
 * `--help` shows; hosts, groups and programs from the plan that is on the line already.
 */
export function candidatesFor(program: Command, before: readonly string[], word: string): Candidates {
  const read = readBefore(program, before);
  const assigned = /^(--[\w-]+=)(.*)$/s.exec(word);
  if (read.awaits?.required) return valuesOf(read.awaits, read, word);
  if (assigned && !read.onlyPositionals) {
    const [, start = "", value = ""] = assigned;
    const option = optionsOf(read.command).find(({ long }) => `${long ?? ""}=` === start);
    const { words } = option ? valuesOf(option, read, value) : NONE;
    return { words: words.map((each) => ({ ...each, text: start + each.text })) };
  }
  if (word.startsWith("-") && !read.onlyPositionals) return { words: optionWords(read, word) };
  const ids = read.awaits ? valuesOf(read.awaits, read, word).words : [];
  const { words, ...paths } = positional(read, word);
  return { words: [...ids, ...words], ...paths };
}

function readBefore(program: Command, words: readonly string[]): Before {
  let command = program;
  let awaits: Option | undefined;
  let onlyPositionals = false;
  const positionals: string[] = [];
  const used = new Set<Option>();
  const values = new Map<string, string>();
  for (const word of words) {
    const waiting = awaits;
    awaits = undefined;
    if (waiting && (waiting.required || /^\d{8}T/.test(word))) {
      values.set(waiting.attributeName(), word);
    } else if (word === "--" && !onlyPositionals) {
      onlyPositionals = true;
    } else if (word.startsWith("-") && !onlyPositionals) {
      const [name = "", ...value] = word.split("=");
      const option = optionsOf(command).find(({ long, short }) => name === long || name === short);
      if (!option) continue;
      used.add(option);
      if (value.length > 0) values.set(option.attributeName(), value.join("="));
      else if (option.required || option.optional) awaits = option;
    } else {
      const inner = positionals.length === 0 && command === program ? subcommand(program, word) : undefined;
      if (inner) command = inner;
      else positionals.push(word);
    }
  }
  return { command, positionals, used, values, onlyPositionals, ...(awaits && { awaits }) };
}

function positional({ command, positionals, values }: Before, word: string): Candidates {
  const expected = command.registeredArguments[positionals.length] ?? command.registeredArguments.at(-1);
  const isTaken = positionals.length >= command.registeredArguments.length && !expected?.variadic;
  if (!expected || isTaken) return NONE;
  if (expected.argChoices) return { words: matching(expected.argChoices, word) };
  if (expected.name() === "id") return { words: matching(rolloutsOf(values.get("stateDir")), word) };
  const isFirst = command.parent === null && positionals.length === 0;
  return { words: isFirst ? subcommandWords(command, word) : [], paths: "plans" };
}

function valuesOf(option: Option, { positionals, values }: Before, word: string): Candidates {
  if (option.argChoices) return { words: matching(option.argChoices, word) };
  const [file] = positionals;
  const plan = (): PlanNames | undefined => (file === undefined ? undefined : planNames(withHome(file), process.env));
  switch (option.attributeName()) {
    case "limit":
    case "exclude":
      return { words: hostPatterns(plan(), word) };
    case "program":
      return { words: matching(plan()?.programs ?? [], word) };
    case "resume":
    case "revert": {
      const named = plan();
      if (!named || file === undefined) return NONE;
      const idsIn = option.attributeName() === "resume" ? unfinishedIn : revertedIn;
      const ids = idsIn({ name: named.name, file: withHome(file) }, values.get("stateDir"));
      return { words: matching(ids, word) };
    }
    case "set":
      return { words: matching(settableKeys(), word) };
    case "stateDir":
      return { words: [], paths: "folders" };
    case "report":
    case "html":
    case "savePlan":
      return { words: [], paths: "files" };
    default:
      return NONE;
  }
}

/** `batches.hosts=`, `on_failure=`: the keys of a plan that have names of their own, and those of its sections. */
function settableKeys(): Described[] {
  return Object.entries(propertiesOf(planSchema as Schema)).flatMap(([key, part]) => {
    const inner = Object.entries(propertiesOf(part));
    const keys: [string, Schema][] =
      inner.length === 0 ? [[key, part]] : inner.map(([name, of]) => [`${key}.${name}`, of]);
    return key === "extends" ? [] : keys.map(([path, { description: says = "" }]) => ({ text: `${path}=`, says }));
  });
}

/** An exclusion in front of a pattern is kept: `!web-07`, `!@canary`. */
function hostPatterns(plan: PlanNames | undefined, word: string): Described[] {
  const start = word.startsWith("!") ? "!" : "";
  const names = [
    ...(plan?.groups ?? []).map((group) => ({ text: `${start}@${group}`, says: "group" })),
    ...(plan?.hosts ?? []).map((host) => ({ text: `${start}${host}`, says: "host" })),
  ];
  return matching(names, word);
}

function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** An option that was given is not offered again, unless it may be repeated. */
function optionWords({ command, used }: Before, word: string): Described[] {
  const open = optionsOf(command).filter((option) => !used.has(option) || Array.isArray(option.defaultValue));
  return matching(
    open.map(({ long = "", description }) => ({ text: long, says: description })),
    word,
  );
}

function subcommandWords(program: Command, word: string): Described[] {
  const visible = program.createHelp().visibleCommands(program);
  return matching(
    visible.map((each) => ({ text: each.name(), says: each.description() })),
    word,
  );
}

function subcommand(program: Command, name: string): Command | undefined {
  return program.commands.find((each) => each.name() === name);
}

function matching(words: readonly (string | Described)[], start: string): Described[] {
  return words
    .map((word) => (typeof word === "string" ? { text: word } : word))
    .filter(({ text }) => text.startsWith(start));
}

/** The shell leaves it as it was typed. */
function withHome(file: string): string {
  return file.replace(/^~(?=\/)/, homedir());
}
