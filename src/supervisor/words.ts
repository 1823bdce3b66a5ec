/** What it said on both streams, as one line: supervisorctl complains on stdout, sudo and the shell on stderr. */
export function words(outcome: { stdout: string; stderr: string }): string {
  return `${outcome.stdout}\n${outcome.stderr}`
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ");
}
