import { EXIT, type ExitCode } from "../../domain/failures.ts";

/** The most common commands, for `--help` and the manual. */
export const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["orchestrate plans/prod.yaml --dry-run", "show what would be restarted, in what order"],
  ["orchestrate plans/prod.yaml", "restart it, and halt at the first failure"],
  ["orchestrate plans/prod.yaml --action update", "load changed configuration, a group at a time"],
  ["orchestrate plans/prod.yaml --action signal:HUP", "reload by a signal instead of a restart"],
  ["orchestrate plans/prod.yaml --limit @canary --ask", "only the group canary; show the plan and ask first"],
  [
    "orchestrate plans/prod.yaml --started-before 2h",
    "only what has been running for two hours or more, or is not running",
  ],
  ["orchestrate plans/prod.yaml --resume", "resume the last rollout, which halted, was interrupted or was killed"],
  ["orchestrate plans/prod.yaml --set batches.hosts=50%", "with another value for a key of the plan, this time"],
  [
    "orchestrate --hosts web-[1-4] --program shop --sudo",
    "without a plan file; --save-plan plans/shop.yaml writes it down as one",
  ],
  ["orchestrate plans/prod.yaml --output json", "one event per line, for programs"],
  ["orchestrate status plans/prod.yaml", "the current state, problems first"],
  ["orchestrate history plans/prod.yaml", "past rollouts; orchestrate report ID prints the report of one"],
  ["orchestrate validate plans/*.yaml", "check plans without contacting anything"],
  ["source <(orchestrate completion bash)", "enable completion; also for zsh and fish"],
];

export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.done, "done, or nothing to do; a dry run whose rollout could start (another rollout's lock is only a warning)"],
  [
    EXIT.halted,
    "halted by a failure, or finished with tolerated failures; status: an instance is not RUNNING, and should be",
  ],
  [EXIT.invalid, "the command line or the plan is wrong; nothing was contacted"],
  [EXIT.refused, "refused before the first change"],
  [EXIT.interrupted, 'interrupted, can be resumed; or "no" was answered to --ask, and nothing was started'],
  [EXIT.bug, "a bug in orchestrate: one line, with the path of a file with details"],
];

const EXAMPLE_WIDTH = 44;

/** The part of `--help` below the options. */
export function helpAfter(): string {
  const examples = EXAMPLES.map(([command, meaning]) =>
    command.length < EXAMPLE_WIDTH
      ? `  ${command.padEnd(EXAMPLE_WIDTH)}${meaning}`
      : `  ${command}\n  ${"".padEnd(EXAMPLE_WIDTH)}${meaning}`,
  );
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`);
  return ["", "Examples:", ...examples, "", "Exit codes:", ...codes].join("\n");
}
