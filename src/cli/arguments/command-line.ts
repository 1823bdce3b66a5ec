import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { actionWord, type PlanAction } from "../../domain/action.ts";
import { parseDuration } from "../../domain/duration.ts";
import { MOMENT_FORMS, parseStartedBefore, type StartedBefore } from "../../planner/build/started-before.ts";
import { actionMeant, parseAction } from "../../planner/schema/action-words.ts";
import {
  HISTORY_OUTCOMES,
  SHELLS,
  type AdHocArguments,
  type Arguments,
  type HistoryArguments,
  type ReportArguments,
  type RunArguments,
  type Shell,
  type StatusArguments,
  type ValidateArguments,
} from "./arguments.ts";
import { helpAfter } from "./help-text.ts";
import { mistakenCommand } from "./mistaken-command.ts";

/** Reads the command line. Reports mistakes on stderr. */
export function readArguments(argv: readonly string[], version: string): Arguments {
  let read: Arguments | undefined;
  const program = createProgram(version, (given) => (read = given));
  try {
    const mistaken = mistakenCommand(argv);
    if (mistaken !== undefined) program.error(mistaken);
    program.parse(argv.map(withoutPlanAsId), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { command: "exit", mistaken: error.exitCode !== 0 };
  }
  return read ?? { command: "exit", mistaken: true };
}

/** The description of the whole command line, for the manual and for completion. */
export function commandLine(version: string): Command {
  return createProgram(version, () => undefined);
}

type OnRead = (given: Arguments) => void;

function createProgram(version: string, onRead: OnRead): Command {
  const program = new Command("orchestrate")
    .description("Rolling restarts for Supervisor: a few instances at a time, each proven healthy before the next.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(see orchestrate --help)")
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
    .argument("[plan]", "the YAML file that defines which programs to restart on which hosts, and how fast")
    .option("--hosts <pattern...>", "instead of a plan, with --program: these hosts, such as web-[1-4].example.com")
    .option("--user <name>", "with --hosts: the user to log in as")
    .option("--sudo", "with --hosts: supervisorctl needs sudo", false)
    .option("--save-plan <file>", "with --hosts: write this down as a plan; runs nothing")
    .option(
      "--action <action>",
      "in place of every action of the plan: restart, update, start, stop, or signal:NAME such as signal:HUP",
      readAction,
    )
    .option("--dry-run", "show what would be done, in order; changes nothing", false)
    .option("--offline", "show hosts and batches without contacting any host; implies --dry-run", false)
    .option("--checks", "with --dry-run: also ask every check of the selected instances as they are")
    .option("--ask", "show what would be done and ask for confirmation", false)
    .option(
      "--verbose",
      "also show how each host is queried (XML-RPC, session, single calls) and why nothing faster works",
      false,
    )
    .option("--reason <text>", "the reason for this rollout, kept in its journal and shown to others")
    .option("--report <file>", "write an HTML page about the rollout when it ends")
    .option("--resume [id]", "resume the plan's newest unfinished rollout, or the one with this ID")
    .option(
      "--revert [id]",
      "revert the plan's newest rollout, or the one with this ID: restart what it has restarted, with the hooks of revert",
    )
    .option("--wait-for-lock <duration>", "how long to wait for hosts that another rollout has locked", readDuration)
    .addOption(stateDirOption())
    .addOption(
      new Option("--output <mode>", "output format").choices(["auto", "tree", "plain", "json"]).default("auto"),
    )
    .addHelpText("after", helpAfter);
  addSelection(program);
  program.action(
    (
      plan: string | undefined,
      { resume, revert, waitForLock, hosts, user, sudo, savePlan, action, ...options }: RunOptions,
    ) => {
      const adHoc = hosts && {
        hosts,
        programs: options.program,
        sudo,
        ...(user !== undefined && { user }),
        ...(action !== undefined && { action }),
        ...(savePlan !== undefined && { savePlan }),
      };
      const mistake = adHoc ? mistakeWithHosts(plan, adHoc) : mistakeWithPlan(plan, { user, sudo, savePlan });
      if (mistake !== undefined) program.error(`error: ${mistake}`);
      if (options.ask && (options.dryRun || options.offline))
        program.error("error: --ask cannot be combined with a dry run");
      if (options.report !== undefined && (options.dryRun || options.offline))
        program.error("error: --report cannot be combined with a dry run");
      if (options.checks && (!options.dryRun || options.offline))
        program.error("error: --checks belongs to --dry-run: a run asks every check before it restarts anything");
      if (options.offline && options.startedBefore)
        program.error("error: --started-before needs to contact hosts; it cannot be combined with --offline");
      if (resume !== undefined && (options.offline || options.startedBefore || (options.program.length > 0 && !adHoc)))
        program.error(
          "error: --resume continues with the selection of the rollout that it resumes: it cannot be combined with --program, --started-before or --offline (--limit and --exclude may narrow it)",
        );
      if (resume !== undefined && action !== undefined && !adHoc)
        program.error("error: --resume does what the rollout that it resumes did: it cannot be combined with --action");
      if (revert !== undefined && resume !== undefined)
        program.error(
          "error: --revert starts a revert and --resume continues a rollout: leave one of them out. A revert that has not finished is resumed with --resume",
        );
      if (revert !== undefined && (options.offline || options.startedBefore))
        program.error(
          "error: --revert restarts what the rollout has restarted: it cannot be combined with --started-before or --offline (--limit, --exclude and --program may narrow it)",
        );
      if (revert !== undefined && action !== undefined && !adHoc)
        program.error("error: --revert undoes what the rollout did: it cannot be combined with --action");
      onRead({
        command: "run",
        plan: plan ?? "",
        ...options,
        ...(adHoc ? { adHoc, program: [] } : action !== undefined && { action }),
        ...(resume !== undefined && { resume: resume === true || resume === "" ? "newest" : resume }),
        ...(revert !== undefined && { revert: revert === true || revert === "" ? "newest" : revert }),
        ...(waitForLock !== undefined && { waitForLockMs: waitForLock }),
        dryRun: options.dryRun || options.offline,
      });
    },
  );
}

/** What does not fit together where a plan is written on the command line. */
function mistakeWithHosts(plan: string | undefined, { programs }: AdHocArguments): string | undefined {
  if (plan !== undefined)
    return `--hosts takes the place of a plan, and ${JSON.stringify(plan)} is one too: leave one of them out. Each program has its own --program`;
  return programs.length === 0
    ? "--hosts needs --program: the name of a program or a group, as supervisorctl status shows it"
    : undefined;
}

/** Likewise where it is not. */
function mistakeWithPlan(
  plan: string | undefined,
  { user, sudo, savePlan }: { user: string | undefined; sudo: boolean; savePlan: string | undefined },
): string | undefined {
  if (plan === undefined) return "missing required argument 'plan'; without a plan, give --hosts and --program";
  if (user !== undefined) return `--user is for --hosts; with a plan, use --set ssh.user=${user}`;
  if (sudo) return "--sudo is for --hosts; with a plan, use --set supervisor.sudo=true";
  return savePlan === undefined ? undefined : "--save-plan is for --hosts";
}

type RunOptions = Omit<
  RunArguments,
  "command" | "plan" | "resume" | "revert" | "waitForLockMs" | "adHoc" | "loaded"
> & {
  readonly hosts?: readonly string[];
  readonly user?: string;
  readonly sudo: boolean;
  readonly savePlan?: string;
  readonly resume?: string | true;
  readonly revert?: string | true;
  readonly waitForLock?: number;
};

/** In `--resume plans/prod.yaml` the second word is a plan, not an ID; so in `--revert`. */
function withoutPlanAsId(argument: string, index: number, argv: readonly string[]): string {
  const takesId = argument === "--resume" || argument === "--revert";
  return takesId && /[/.]/.test(argv[index + 1] ?? "") ? `${argument}=` : argument;
}

function describeStatus(program: Command, onRead: OnRead): void {
  const status = program
    .command("status")
    .description(
      "show the state of the plan's instances, problems first; exit 1 if an instance is not RUNNING, except as configured (autostart=false, a one-shot that is done), 3 if a host is unreachable",
    )
    .argument("<plan>")
    .option("--checks", "also ask every check of these instances; exit 1 if one does not pass")
    .option("--watch", "repeat every few seconds, until Ctrl-C", false)
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
    .description("list past rollouts of a plan, or of all plans, newest first")
    .argument("[plan]")
    .option("--since <when>", `only those that began then or later: ${MOMENT_FORMS}`, readSince)
    .addOption(new Option("--outcome <outcome>", "only those that ended so").choices(HISTORY_OUTCOMES))
    .option("--host <name>", "only those that restart something on this host")
    .addOption(textOrJson())
    .addOption(stateDirOption())
    .exitOverride()
    .action((plan: string | undefined, options: Omit<HistoryArguments, "command" | "plan">) =>
      onRead({ command: "history", ...(plan !== undefined && { plan }), ...options }),
    );
  program
    .command("report")
    .description("print the report of a past rollout")
    .argument("<id>")
    .option("--html <file>", "write it as an HTML page instead")
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
  return new Option(
    "--state-dir <dir>",
    "directory of the journals; default: $ORCHESTRATE_STATE_DIR, or the XDG state home",
  );
}

function textOrJson(): Option {
  return new Option("--output <mode>", "output format").choices(["text", "json"]).default("text");
}

function addSelection(command: Command): Command {
  const repeatable = (flags: string, description: string, byDefault: string) =>
    new Option(flags, `${description}; repeatable`)
      .argParser((value: string, before: readonly string[]) => [...before, value])
      .default([], byDefault);
  return command
    .addOption(repeatable("--limit <pattern>", "only these hosts: a name, web-[01-08], web-*, @group", "all"))
    .addOption(repeatable("--exclude <pattern>", "not these hosts", "none"))
    .addOption(repeatable("--program <name>", "only these programs, on hosts that have them", "the plan's"))
    .addOption(repeatable("--set <key=value>", "replace a key of the plan, such as batches.hosts=50%", "nothing"))
    .option(
      "--started-before <when>",
      `restart only what was started before this time, or is not running: ${MOMENT_FORMS}`,
      readMoment,
    );
}

function readAction(text: string): PlanAction {
  const action = parseAction(text);
  if (action !== undefined) return action;
  const meant = actionMeant(text);
  throw new InvalidArgumentError(
    meant === undefined
      ? "It must be restart, update, start, stop or signal:NAME, such as signal:HUP."
      : `Did you mean ${actionWord(meant)}?`,
  );
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 30s, 10m or 1h.");
  return ms;
}

function readSince(text: string): Date {
  return new Date(Date.now() - readMoment(text).leastUptimeMs);
}

function readMoment(text: string): StartedBefore {
  const moment = parseStartedBefore(text, new Date());
  if (!moment) throw new InvalidArgumentError(`It must be ${MOMENT_FORMS}.`);
  return moment;
}
