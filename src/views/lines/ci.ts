/** Marks that the log of a CI system understands: groups of lines that can be folded, errors that it also lists elsewhere. */
export interface CiMarks {
  /** A line in a form that the system never takes for a mark. */
  readonly text: (line: string) => string;
  readonly group: (name: string, title: string, at: string) => string;
  readonly endGroup: (name: string, at: string) => string;
  /** An error for the system's list of errors; undefined if it has none. */
  readonly error?: (title: string, message: string) => string;
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
const GITHUB: CiMarks = {
  // Text of a host must not be taken for a command: a command starts a line with "::", an older form has "##[" anywhere.
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

/** The marks of the CI system that this runs under, recognised by the variables that it sets for its jobs. */
export function ciMarks(env: Readonly<Record<string, string | undefined>>): CiMarks {
  if (env["GITHUB_ACTIONS"] === "true") return GITHUB;
  return env["GITLAB_CI"] === "true" ? GITLAB : NONE;
}

/** Whether stdout is the log of a CI system, where no tree can be drawn. */
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
