/** Words that other tools have for a run and a preview. The plan itself is the command here. */
const RUNS = ["run", "restart", "start", "rollout", "rolling-restart", "deploy", "apply", "up", "exec"];
const PREVIEWS = ["plan", "preview", "diff", "dry-run"];

/** What to write in place of `orchestrate run plans/prod.yaml`; undefined for a command line that may be meant as it is. */
export function mistakenCommand([word = "", plan = "", ...more]: readonly string[]): string | undefined {
  if (!/\.(ya?ml|json)$/.test(plan)) return undefined;
  const isPreview = PREVIEWS.includes(word);
  if (!isPreview && !RUNS.includes(word)) return undefined;
  const meant = ["orchestrate", plan, ...(isPreview ? ["--dry-run"] : []), ...more].join(" ");
  return `error: there is no command "${word}": write ${meant}`;
}
