/** Writes man/orchestrate.1 from the very descriptions that `--help` shows: `tsx scripts/man-page.ts`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command, Option } from "commander";
import manifest from "../package.json" with { type: "json" };
import { commandLine } from "../src/cli/arguments/command-line.ts";
import { EXAMPLES, EXIT_CODES } from "../src/cli/arguments/help-text.ts";

export const MAN_FILE = join(import.meta.dirname, "..", "man", "orchestrate.1");

/** The whole page, in the macros of man(7). */
export function manPage(): string {
  const program = commandLine(manifest.version);
  return [
    `.TH ORCHESTRATE 1 "" "orchestrate ${manifest.version}" "User Commands"`,
    ".SH NAME",
    "orchestrate \\- rolling restarts for Supervisor (supervisord)",
    ".SH SYNOPSIS",
    ...[program, ...visibleCommands(program)].flatMap(synopsis),
    ".SH DESCRIPTION",
    text(program.description()),
    ...DESCRIPTION,
    ".SH OPTIONS",
    ...optionsOf(program),
    ".SH COMMANDS",
    ...visibleCommands(program).flatMap(commandText),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(([command, meaning]) => [".TP", `.B ${text(command)}`, text(meaning)]),
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([code, meaning]) => [".TP", `.B ${code}`, text(meaning)]),
    ...REST,
    "",
  ].join("\n");
}

function visibleCommands(program: Command): readonly Command[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => command.name() !== "help");
}

function synopsis(command: Command): string[] {
  const name = command.parent ? `orchestrate ${command.name()}` : command.name();
  const operands = command.registeredArguments.map((argument) => {
    const shown = `\\fI${text(argument.name().toUpperCase())}\\fR${argument.variadic ? "..." : ""}`;
    return argument.required ? shown : `[${shown}]`;
  });
  const separator = command.parent ? [".br"] : [];
  return [...separator, `\\fB${name}\\fR ${[...operands, "[\\fIOPTION\\fR]..."].join(" ")}`];
}

function commandText(command: Command): string[] {
  const usage = synopsis(command).at(-1) ?? "";
  return [`.SS ${usage}`, `${text(command.description())}.`, ...optionsOf(command)];
}

function optionsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => command.parent === null || long !== "--help")
    .flatMap((option) => [".TP", flagsOf(option), text(meaningOf(option))]);
}

function flagsOf({ short, long = "", flags }: Option): string {
  const [value] = /[<[].*$/.exec(flags) ?? [];
  const names = [short, long].flatMap((name) => (name === undefined ? [] : [`\\fB${text(name)}\\fR`]));
  return value === undefined ? names.join(", ") : `${names.join(", ")} \\fI${text(value)}\\fR`;
}

function meaningOf({ description, argChoices, defaultValue }: Option): string {
  if (!argChoices) return `${description}.`;
  return `${description}: ${argChoices.join(", ")}; default ${String(defaultValue)}.`;
}

/** Text as roff takes it: no control line, no escape, a hyphen that can be copied. */
function text(words: string): string {
  return words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
}

const DESCRIPTION = [
  ".PP",
  "A plan is a YAML file that says which programs are restarted on which hosts, in what order, and how each restart is",
  "checked. An instance is healthy when it is RUNNING on a new pid, stays on that pid for min_healthy_time, and passes the",
  "plan's checks. The rollout halts at the first failure, unless the plan tolerates some, and says how to continue.",
  ".PP",
  "The first Ctrl\\-C, SIGTERM or SIGHUP lets restarts in progress finish their health gate and starts no new ones; a second",
  "one quits at once, and the restarts in progress complete on their hosts.",
  ".PP",
  "With on_failure: ask in the plan, a failure that would halt the rollout asks the operator at the terminal: r retries, s",
  "skips (counts it as failed and continues), x halts. With pause: ask, y continues and n stops. These keys need no Enter;",
  "the question of \\-\\-ask does.",
  ".PP",
  "With on_failure: revert in the plan, a rollout that halts is reverted by the same process: what it has restarted is restarted",
  "again with the hooks of revert. The exit code is 1 in any case. \\-\\-revert does the same by hand, with exit code 0 when all",
  "of it was reverted.",
];

const REST = [
  ".SH ENVIRONMENT",
  ".TP",
  ".B ORCHESTRATE_STATE_DIR",
  "The directory of the journals, unless \\fB\\-\\-state\\-dir\\fR is given. Default: orchestrate under $XDG_STATE_HOME or ~/.local/state.",
  ".TP",
  '.BR ORCHESTRATE_SUPERVISOR_USERNAME ", " ORCHESTRATE_SUPERVISOR_PASSWORD',
  "For Supervisor's HTTP server, to query it by XML\\-RPC. supervisorctl has its own in its configuration on the host.",
  ".TP",
  ".B SSH_AUTH_SOCK",
  "The ssh agent, whose keys are tried.",
  ".TP",
  ".B NO_COLOR",
  "No colours.",
  ".PP",
  "Plans may refer to any variable as ${NAME} or ${NAME:\\-default}.",
  ".SH FILES",
  ".TP",
  ".I ~/.local/state/orchestrate/PLAN\\-HASH/ROLLOUT.ndjson",
  "The journal of a rollout: one event per line, durable before each restart is sent.",
  ".TP",
  '.IR ~/.ssh/config ", " ~/.ssh/known_hosts',
  "As for \\fBssh\\fR(1).",
  ".SH SEE ALSO",
  ".BR ssh (1),",
  ".BR ssh_config (5),",
  ".BR supervisorctl (1)",
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(MAN_FILE), { recursive: true });
  writeFileSync(MAN_FILE, manPage());
}
