import { Command, CommanderError, Option } from "commander";

/** How events are shown: a tree at a terminal, lines elsewhere, or one JSON event per line. */
export type OutputMode = "auto" | "tree" | "plain" | "json";

export interface RunArguments {
  readonly command: "run";
  readonly plan: string;
  readonly dryRun: boolean;
  readonly output: OutputMode;
  readonly reason?: string;
}

export interface ValidateArguments {
  readonly command: "validate";
  readonly plans: readonly string[];
}

/** What the command line asks for; `exit` when commander has already answered it (help, version, a mistake). */
export type Arguments = RunArguments | ValidateArguments | { readonly command: "exit"; readonly mistaken: boolean };

/** Options of the contract that this version does not have: refused by name instead of as unknown. */
const NOT_BUILT_YET = [
  "--offline",
  "--limit <pattern>",
  "--exclude <pattern>",
  "--program <name>",
  "--started-before <when>",
  "--resume [id]",
  "--wait-for-lock <duration>",
  "--ask",
  "--report <file>",
  "--state-dir <dir>",
  "--verbose",
];

const EXAMPLES = `
Examples:
  orchestrate plans/prod.yaml --dry-run     show what would be restarted, in what order
  orchestrate plans/prod.yaml               do it, and stop at the first failure
  orchestrate plans/prod.yaml --output json one event per line, for programs
  orchestrate validate plans/*.yaml         check plans without contacting anything

Exit codes: 0 done, 1 halted by a failure, 2 wrong plan or arguments, 3 refused before the first change,
4 interrupted, 70 a bug.`;

/** Reads the command line. What is wrong with it is told on stderr. */
export function readArguments(argv: readonly string[], version: string): Arguments {
  let read: Arguments | undefined;
  const program = createProgram(version, (given) => (read = given));
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { command: "exit", mistaken: error.exitCode !== 0 };
  }
  return read ?? { command: "exit", mistaken: true };
}

function createProgram(version: string, onRead: (given: Arguments) => void): Command {
  const program = new Command("orchestrate")
    .description("Rolling restarts for Supervisor: a few instances at a time, each proven healthy before the next.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(orchestrate --help shows what there is)")
    .enablePositionalOptions()
    .argument("<plan>", "the YAML file that says what is restarted where, and how fast")
    .option("--dry-run", "look at the fleet and show what would be done; changes nothing", false)
    .option("--reason <text>", "why, for the records")
    .addOption(
      new Option("--output <mode>", "how to show it").choices(["auto", "tree", "plain", "json"]).default("auto"),
    )
    .addHelpText("after", EXAMPLES);
  for (const flags of NOT_BUILT_YET) {
    const option = new Option(flags).hideHelp();
    program
      .addOption(option)
      .on(`option:${option.name()}`, () => program.error(`error: --${option.name()} is not built yet in this version`));
  }
  program.action((plan: string, options: { dryRun: boolean; output: OutputMode; reason?: string }) =>
    onRead({ command: "run", plan, ...options }),
  );
  program
    .command("validate")
    .description("check plans without contacting anything")
    .argument("<plan...>")
    .exitOverride()
    .action((plans: string[]) => onRead({ command: "validate", plans }));
  for (const name of ["status", "history", "report", "completion"])
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .argument("[arguments...]")
      .action(() => program.error(`error: "orchestrate ${name}" is not built yet in this version`));
  return program;
}
