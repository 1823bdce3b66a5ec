/** What a CI system's log makes of lines: groups that can be folded, errors that are shown elsewhere as well. */
export interface CiMarks {
  /** A line as text and nothing else, whatever is in it. */
  readonly text: (line: string) => string;
  readonly group: (name: string, title: string, at: string) => string;
  readonly endGroup: (name: string, at: string) => string;
  /** Says an error where the system collects them; undefined where it does not. */
  readonly error?: (title: string, message: string) => string;
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
const GITHUB: CiMarks = {
  // A host's words must not be taken for a command: one begins a line with "::", an older form has "##[" anywhere.
  text: (line) => line.replace(/^(\s*:):/, "$1 :").replaceAll("##[", "## ["),
  group: (_name, title) => `::group::${escaped(title)}`,
  endGroup: () => "::endgroup::",
  error: (title, message) => `::error title=${escaped(title).replace(/[:,]/g, codeOf)}::${escaped(message)}`,
};

/** https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections */
const GITLAB: CiMarks = {
  text: (line) => line,
  group: (name, title, at) => `\u001b[0Ksection_start:${secondsOf(at)}:${name}\r\u001b[0K${title}`,
  endGroup: (name, at) => `\u001b[0Ksection_end:${secondsOf(at)}:${name}\r\u001b[0K`,
};

/** Outside of CI. */
const NONE: CiMarks = { text: (line) => line, group: (_name, title) => title, endGroup: () => "" };

/** The marks for the system that this runs under, by the variables that each sets for its jobs. */
export function ciMarks(env: Readonly<Record<string, string | undefined>>): CiMarks {
  if (env["GITHUB_ACTIONS"] === "true") return GITHUB;
  return env["GITLAB_CI"] === "true" ? GITLAB : NONE;
}

/** Whether this runs in the log of such a system, which no tree can be drawn in. */
export function isInCi(env: Readonly<Record<string, string | undefined>>): boolean {
  return ciMarks(env) !== NONE;
}

function escaped(text: string): string {
  return text.replace(/[%\r\n]/g, codeOf);
}

function codeOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

function secondsOf(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}
