import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../domain/duration.ts";
import { EXIT, type ExitCode } from "../domain/failures.ts";
import { MOMENT_FORMS, parseStartedBefore, type StartedBefore } from "../planner/started-before.ts";
import { SHELLS, type Shell } from "./completion/scripts.ts";

/** How events are shown: a tree at a terminal, lines elsewhere, or one JSON event per line. */
export type OutputMode = "auto" | "tree" | "plain" | "json";

/** What of a plan's fleet is meant; the lists are empty where all of it is. */
export interface SelectionArguments {
  readonly limit: readonly string[];
  readonly exclude: readonly string[];
  readonly program: readonly string[];
  readonly startedBefore?: StartedBefore;
}

export interface RunArguments extends SelectionArguments {
  readonly command: "run";
  readonly plan: string;
  readonly dryRun: boolean;
  readonly offline: boolean;
  readonly ask: boolean;
  /** Of a dry run only. */
  readonly verbose: boolean;
  readonly output: OutputMode;
  readonly reason?: string;
  readonly stateDir?: string;
  /** Where a page about the rollout is written at its end. */
  readonly report?: string;
  /** The rollout to go on with. */
  readonly resume?: "newest" | (string & {});
  /** How long to wait for hosts that others have locked. */
  readonly waitForLockMs?: number;
}

export interface HistoryArguments {
  readonly command: "history";
  readonly plan?: string;
  readonly stateDir?: string;
}

export interface ReportArguments {
  readonly command: "report";
  readonly id: string;
  readonly stateDir?: string;
  /** Write a page instead of text. */
  readonly html?: string;
}

export interface ValidateArguments {
  readonly command: "validate";
  readonly plans: readonly string[];
  readonly output: "text" | "json";
}

export interface CompletionArguments {
  readonly command: "completion";
  readonly shell: Shell;
}

export interface StatusArguments extends SelectionArguments {
  readonly command: "status";
  readonly plan: string;
  readonly watch: boolean;
  readonly output: "text" | "json";
}

/** What the command line asks for; `exit` when commander has already answered it (help, version, a mistake). */
export type Arguments =
  | RunArguments
  | ValidateArguments
  | StatusArguments
  | HistoryArguments
  | ReportArguments
  | CompletionArguments
  | { readonly command: "exit"; readonly mistaken: boolean };

/** What is most often wanted, for `--help` and the manual. */
export const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["orchestrate plans/prod.yaml --dry-run", "show what would be restarted, in what order"],
  ["orchestrate plans/prod.yaml", "do it, and stop at the first failure"],
  ["orchestrate plans/prod.yaml --limit @canary --ask", "only the group canary; show it and ask first"],
  [
    "orchestrate plans/prod.yaml --started-before 2h",
    "only what has been running for two hours or more, or does not run",
  ],
  ["orchestrate plans/prod.yaml --resume", "go on with the one that halted, was interrupted or was cut off"],
  ["orchestrate plans/prod.yaml --output json", "one event per line, for programs"],
  ["orchestrate status plans/prod.yaml", "what runs now, trouble first"],
  ["orchestrate history plans/prod.yaml", "what was done before; orchestrate report ID tells one again"],
  ["orchestrate validate plans/*.yaml", "check plans without contacting anything"],
  ["source <(orchestrate completion bash)", "complete this command line; zsh and fish as well"],
];

export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.done, "done, or nothing to do; a dry run that could go ahead"],
  [EXIT.halted, "halted by a failure, or ended with tolerated ones; status: something is not RUNNING"],
  [EXIT.invalid, "the command line or the plan is wrong; nothing was contacted"],
  [EXIT.refused, "refused before the first change"],
  [EXIT.interrupted, 'interrupted, also by a "no" to --ask; can be resumed'],
  [EXIT.bug, "a bug: one line, and where the details are"],
];

const EXAMPLE_WIDTH = 44;

function helpAfter(): string {
  const examples = EXAMPLES.map(([command, meaning]) =>
    command.length < EXAMPLE_WIDTH
      ? `  ${command.padEnd(EXAMPLE_WIDTH)}${meaning}`
      : `  ${command}\n  ${"".padEnd(EXAMPLE_WIDTH)}${meaning}`,
  );
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`);
  return ["", "Examples:", ...examples, "", "Exit codes:", ...codes].join("\n");
}

/** Reads the command line. What is wrong with it is told on stderr. */
export function readArguments(argv: readonly string[], version: string): Arguments {
  let read: Arguments | undefined;
  const program = createProgram(version, (given) => (read = given));
  try {
    program.parse(argv.map(withoutPlanAsId), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { command: "exit", mistaken: error.exitCode !== 0 };
  }
  return read ?? { command: "exit", mistaken: true };
}

/** The whole command line as it is described, for whoever wants to know what may be given. */
export function commandLine(version: string): Command {
  return createProgram(version, () => undefined);
}

type OnRead = (given: Arguments) => void;

function createProgram(version: string, onRead: OnRead): Command {
  const program = new Command("orchestrate")
    .description("Rolling restarts for Supervisor: a few instances at a time, each proven healthy before the next.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(orchestrate --help shows what there is)")
    .enablePositionalOptions();
  describeRun(program, onRead);
  describeStatus(program, onRead);
  describeValidate(program, onRead);
  describeRecords(program, onRead);
  describeCompletion(program, onRead);
  return program;
}

function describeRun(program: Command, onRead: OnRead): void {
  program
    .argument("<plan>", "the YAML file that says what is restarted where, and how fast")
    .option("--dry-run", "look at the fleet and show what would be done; changes nothing", false)
    .option("--offline", "show hosts and batches without any contact; implies --dry-run", false)
    .option("--ask", "show what would be done, and ask before it is done", false)
    .option("--verbose", "with --dry-run: also by which way each host is looked at", false)
    .option("--reason <text>", "why, for the records")
    .option("--report <file>", "at the end, write a page of HTML that shows what happened")
    .option("--resume [id]", "go on with the plan's newest unfinished rollout, or with this one")
    .option("--wait-for-lock <duration>", "how long to wait for hosts that somebody else has locked", readDuration)
    .addOption(stateDirOption())
    .addOption(
      new Option("--output <mode>", "how to show it").choices(["auto", "tree", "plain", "json"]).default("auto"),
    )
    .addHelpText("after", helpAfter());
  addSelection(program);
  program.action((plan: string, { resume, waitForLock, ...options }: RunOptions) => {
    if (options.ask && (options.dryRun || options.offline))
      program.error("error: --ask is about a run that follows; a dry run has none");
    if (options.report !== undefined && (options.dryRun || options.offline))
      program.error("error: --report is about a run; a dry run has none");
    if (options.verbose && (options.offline || !options.dryRun))
      program.error(
        "error: --verbose tells how --dry-run has looked at the hosts: use it with that, and without --offline",
      );
    if (options.offline && options.startedBefore)
      program.error("error: --started-before asks the hosts, which --offline leaves alone");
    if (resume !== undefined && (options.offline || options.startedBefore || options.program.length > 0))
      program.error(
        "error: --resume goes on with what its rollout was about: --limit and --exclude may narrow it, not --program, --started-before or --offline",
      );
    onRead({
      command: "run",
      plan,
      ...options,
      ...(resume !== undefined && { resume: resume === true || resume === "" ? "newest" : resume }),
      ...(waitForLock !== undefined && { waitForLockMs: waitForLock }),
      dryRun: options.dryRun || options.offline,
    });
  });
}

type RunOptions = Omit<RunArguments, "command" | "plan" | "resume" | "waitForLockMs"> & {
  readonly resume?: string | true;
  readonly waitForLock?: number;
};

/** Of `--resume plans/prod.yaml` the second is no id. */
function withoutPlanAsId(argument: string, index: number, argv: readonly string[]): string {
  return argument === "--resume" && /[/.]/.test(argv[index + 1] ?? "") ? "--resume=" : argument;
}

function describeStatus(program: Command, onRead: OnRead): void {
  const status = program
    .command("status")
    .description("show what the plan's instances do now, trouble first; exit 1 if something is not RUNNING")
    .argument("<plan>")
    .option("--watch", "look again every few seconds, until Ctrl-C", false)
    .exitOverride();
  addSelection(status)
    .addOption(textOrJson())
    .action((plan: string, options: Omit<StatusArguments, "command" | "plan">) =>
      onRead({ command: "status", plan, ...options }),
    );
}

function describeValidate(program: Command, onRead: OnRead): void {
  program
    .command("validate")
    .description("check plans without contacting anything")
    .argument("<plan...>")
    .addOption(textOrJson())
    .exitOverride()
    .action((plans: string[], { output }: Pick<ValidateArguments, "output">) =>
      onRead({ command: "validate", plans, output }),
    );
}

function describeRecords(program: Command, onRead: OnRead): void {
  program
    .command("history")
    .description("list the rollouts of a plan, or of all plans, the newest first")
    .argument("[plan]")
    .addOption(stateDirOption())
    .exitOverride()
    .action((plan: string | undefined, options: Pick<HistoryArguments, "stateDir">) =>
      onRead({ command: "history", ...(plan !== undefined && { plan }), ...options }),
    );
  program
    .command("report")
    .description("tell a rollout again, from its journal")
    .argument("<id>")
    .option("--html <file>", "write it as a page of HTML instead")
    .addOption(stateDirOption())
    .exitOverride()
    .action((id: string, options: Pick<ReportArguments, "stateDir" | "html">) =>
      onRead({ command: "report", id, ...options }),
    );
}

function describeCompletion(program: Command, onRead: OnRead): void {
  program
    .command("completion")
    .description("print a script that completes this command line: source <(orchestrate completion bash)")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .exitOverride()
    .action((shell: Shell) => onRead({ command: "completion", shell }));
}

function stateDirOption(): Option {
  return new Option("--state-dir <dir>", "where journals are; default: $ORCHESTRATE_STATE_DIR, or the XDG state home");
}

function textOrJson(): Option {
  return new Option("--output <mode>", "how to show it").choices(["text", "json"]).default("text");
}

function addSelection(command: Command): Command {
  const repeatable = (flags: string, description: string, byDefault: string) =>
    new Option(flags, `${description}; repeatable`)
      .argParser((value: string, before: readonly string[]) => [...before, value])
      .default([], byDefault);
  return command
    .addOption(repeatable("--limit <pattern>", "only these hosts: a name, web-[01-08], web-*, @group", "all"))
    .addOption(repeatable("--exclude <pattern>", "not these hosts", "none"))
    .addOption(repeatable("--program <name>", "these programs, on hosts that have them", "the plan's"))
    .option("--started-before <when>", `skip what runs and was started later: ${MOMENT_FORMS}`, readMoment);
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 30s, 10m or 1h.");
  return ms;
}

function readMoment(text: string): StartedBefore {
  const moment = parseStartedBefore(text, new Date());
  if (!moment) throw new InvalidArgumentError(`It must be ${MOMENT_FORMS}.`);
  return moment;
}
