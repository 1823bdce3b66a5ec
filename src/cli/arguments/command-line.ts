import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../domain/duration.ts";
import { MOMENT_FORMS, parseStartedBefore, type StartedBefore } from "../../planner/build/started-before.ts";
import {
  SHELLS,
  type Arguments,
  type HistoryArguments,
  type ReportArguments,
  type RunArguments,
  type Shell,
  type StatusArguments,
  type ValidateArguments,
} from "./arguments.ts";
import { helpAfter } from "./help-text.ts";

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
    .option("--verbose", "also tell by which way each host is looked at, and why by no faster one", false)
    .option("--reason <text>", "why, for the records")
    .option("--report <file>", "at the end, write a page of HTML that shows what happened")
    .option("--resume [id]", "go on with the plan's newest unfinished rollout, or with this one")
    .option("--wait-for-lock <duration>", "how long to wait for hosts that somebody else has locked", readDuration)
    .addOption(stateDirOption())
    .addOption(
      new Option("--output <mode>", "how to show it").choices(["auto", "tree", "plain", "json"]).default("auto"),
    )
    .addHelpText("after", helpAfter);
  addSelection(program);
  program.action((plan: string, { resume, waitForLock, ...options }: RunOptions) => {
    if (options.ask && (options.dryRun || options.offline))
      program.error("error: --ask is about a run that follows; a dry run has none");
    if (options.report !== undefined && (options.dryRun || options.offline))
      program.error("error: --report is about a run; a dry run has none");
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
    .description(
      "show what the plan's instances do now, trouble first; exit 1 if something is not RUNNING, 3 if a host is out of reach",
    )
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
