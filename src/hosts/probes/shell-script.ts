import type { Argv, RunOutcome } from "../../executor/ports.ts";

/** Reads all of a script before it runs it, so that the script itself finds an empty stdin. */
const READER = 'script=$(cat) && exec </dev/null && eval "$script"';

/**
 * A shell's script as a command and what that reads. Not as an argument: it may hold a secret that the operator keeps
 * out of the plan, and arguments are for all on the host to see.
 * @param variables put into its environment
 */
export function shellScript(
  text: string,
  variables: Readonly<Record<string, string>> = {},
): { readonly argv: Argv; readonly stdin: string } {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return { argv: ["env", ...assignments, "sh", "-c", READER], stdin: text };
}

/** How a script ended that did not succeed, with the last that it said. */
export function endOf(outcome: Extract<RunOutcome, { kind: "exited" | "signalled" }>): string {
  if (outcome.kind === "signalled") return `it was ended by ${outcome.signal}`;
  const said = (outcome.stderr || outcome.stdout).trim().split("\n").at(-1) ?? "";
  return `exit code ${outcome.code}${said === "" ? "" : `: ${said}`}`;
}
