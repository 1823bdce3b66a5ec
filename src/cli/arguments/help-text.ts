import { EXIT, type ExitCode } from "../../domain/failures.ts";

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
  [EXIT.done, "done, or nothing to do; a dry run that found nothing to refuse but, perhaps, a lock"],
  [EXIT.halted, "halted by a failure, or ended with tolerated ones; status: something is not RUNNING"],
  [EXIT.invalid, "the command line or the plan is wrong; nothing was contacted"],
  [EXIT.refused, "refused before the first change"],
  [EXIT.interrupted, 'interrupted, and can be resumed; or a "no" to --ask, with nothing begun'],
  [EXIT.bug, "a bug: one line, and where the details are"],
];

const EXAMPLE_WIDTH = 44;

/** What stands below the options. */
export function helpAfter(): string {
  const examples = EXAMPLES.map(([command, meaning]) =>
    command.length < EXAMPLE_WIDTH
      ? `  ${command.padEnd(EXAMPLE_WIDTH)}${meaning}`
      : `  ${command}\n  ${"".padEnd(EXAMPLE_WIDTH)}${meaning}`,
  );
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)}${meaning}`);
  return ["", "Examples:", ...examples, "", "Exit codes:", ...codes].join("\n");
}
