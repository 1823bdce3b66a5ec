/** What a complaint in place of an answer means for supervisord itself. */
export type DaemonSilence =
  /** It answers, and no longer accepts requests. */
  | "shutting_down"
  /** Nobody listens where it did. */
  | "no_listener";

/** What supervisorctl, its Python, sudo or a shell said in place of an answer. */
export interface Complaint {
  /** The line that names the problem. Not sanitised: it is text of the host. Empty: nothing was said. */
  readonly said: string;
  /** What to do about it, if it is known. */
  readonly remedy?: string;
  readonly silence?: DaemonSilence;
  /** True: it is about what the login may do, so that its name belongs to it in place of `the login`. */
  readonly isOfLogin?: true;
}

interface Known {
  /** In a line that names the problem. The first entry that matches a line is taken. */
  readonly pattern: RegExp;
  /** What the line means, where its words are those of Python; the line itself is put in brackets behind it. */
  readonly meaning?: string;
  readonly remedy: string;
  readonly silence?: DaemonSilence;
  readonly isOfLogin?: true;
}

const START_SUPERVISORD =
  "Start supervisord there, or set supervisor.config or supervisor.server_url to where it listens.";

const START_CONTAINER = "Start the container, or correct its name in the command that stands in for supervisorctl.";

const INSTALL_SUPERVISOR =
  "The Python that runs supervisorctl does not have all of Supervisor, as after an upgrade of Python. Install Supervisor there again, or set supervisor.command to the supervisorctl in the same directory as the supervisord that runs.";

/** Known complaints, and their remedies. Each was seen, on a host of our own or in a public report. */
const KNOWN: readonly Known[] = [
  // supervisord
  {
    pattern: /\bSHUTDOWN_STATE\b/,
    meaning: "supervisord is shutting down",
    remedy:
      "Wait until supervisord is up again, then run the plan again. One that does not end waits for a program to stop: see its log and the program's stopwaitsecs.",
    silence: "shutting_down",
  },
  // supervisor/supervisorctl.py, `upcheck`.
  {
    pattern: /^\S+ no such file$/,
    meaning: "supervisord is not running there, or its configuration is elsewhere",
    remedy: START_SUPERVISORD,
    silence: "no_listener",
  },
  {
    pattern: /^\S+ refused connection$/,
    meaning: "supervisord is not running there: nothing listens where it did",
    remedy: START_SUPERVISORD,
    silence: "no_listener",
  },
  { pattern: /\bConnectionRefusedError\b/, remedy: START_SUPERVISORD, silence: "no_listener" },
  // What docker and podman say of a container that ended with its supervisord.
  {
    pattern: /\bcontainer \S+ is not running\b|\bno such container\b|\bcontainer state improper\b/i,
    remedy: START_CONTAINER,
    silence: "no_listener",
  },
  {
    pattern: /^PermissionError: |^error: \[Errno 13\]/,
    meaning: "the login may not use Supervisor's socket",
    remedy:
      "Set `supervisor: { sudo: true }`, or let the login use the socket: chmod and chown in [unix_http_server] of Supervisor's configuration.",
    isOfLogin: true,
  },
  {
    pattern: /^Server requires authentication$|\b401 Unauthorized\b/,
    remedy:
      "supervisorctl has no password for supervisord, or a wrong one. Set username and password in [supervisorctl] of the configuration that it reads on the host.",
  },
  // supervisorctl's configuration
  {
    pattern: /^Error: (?:could not (?:find|read) config file |No config file found at default paths)/,
    meaning: "supervisorctl does not find Supervisor's configuration, or may not read it",
    remedy:
      "Set supervisor.config to the full path of Supervisor's configuration on the host. If the login may not read it, set supervisor.sudo: true.",
  },
  {
    pattern: /^Error: \.ini file does not include supervisorctl section$/,
    remedy: "Add a [supervisorctl] section to that file: it says where supervisord listens.",
  },
  {
    pattern: /\bFormat string .* contains names .* which cannot be expanded\b/,
    remedy:
      "Supervisor's configuration uses a variable that is not set where supervisorctl runs. Set that variable for the login, or set supervisor.config to a file with only [supervisorctl] in it.",
  },
  // sudo
  {
    pattern: /^sudo: .*\bmust have a tty\b/,
    remedy:
      "sudoers has requiretty, and a terminal is never used. Add `Defaults:USER !requiretty` for the login on the host, with visudo.",
  },
  {
    pattern:
      /^sudo: .*(?:\bpassword is required\b|\bread the password\b|\bno askpass program\b)|^Sorry, user \S+ (?:is not allowed|may not run)\b|\bis not in the sudoers file\b/,
    remedy:
      "Let the login run it without a password: `USER ALL=(root) NOPASSWD: /usr/bin/supervisorctl` in sudoers, with visudo and with the path of supervisorctl on the host.",
  },
  {
    pattern: /^sudo: \S+: command not found$/,
    remedy: "sudo searches only the folders of its secure_path. Set supervisor.command to the full path.",
  },
  // Python
  {
    pattern: /^pyenv: |^(?:asdf: )?No version (?:is )?set for command /,
    remedy:
      "A shim of a version manager stands in for supervisorctl, and the Python that it chooses has no Supervisor. Set supervisor.command to the full path of the real one; with pyenv, `pyenv whence --path supervisorctl` on the host prints it.",
  },
  {
    pattern: /\bNo module named '?pkg_resources\b/,
    remedy:
      "Supervisor before 4.3 needs setuptools before 82 in its Python: install that there, or a newer Supervisor.",
  },
  {
    pattern:
      /^(?:\w+\.)*(?:ModuleNotFoundError|ImportError|PackageNotFoundError|DistributionNotFound|VersionConflict): /,
    remedy: INSTALL_SUPERVISOR,
  },
  {
    pattern: /\bUnicode(?:De|En)codeError\b|\bcodec can't (?:de|en)code\b/,
    meaning: "supervisorctl runs without a UTF-8 locale, and a name or a file that it reads is not ASCII",
    remedy:
      "Set LANG=C.UTF-8 for the login on the host (in /etc/environment, for example), or set supervisor.command to a script that sets it and then runs supervisorctl.",
  },
  // The shell
  {
    pattern: /: bad interpreter: |: cannot execute: required file not found$/,
    remedy:
      "Its first line (#!) names a program that is not there, as in a virtualenv that was moved. Create the virtualenv again, or set supervisor.command to another supervisorctl.",
  },
  {
    pattern: /(?:^|: )sudo: (?:command )?not found$/,
    remedy: "Install sudo on the host, or leave supervisor.sudo out and log in as a user who may use supervisord.",
  },
  {
    pattern: /\bexec: (?:line \d+: )?\S*\/\S*: not found$|\bfailed to run command \S+: No such file or directory$/,
    remedy:
      "Set supervisor.command to the full path of supervisorctl on the host. If there is a file at this path, its first line (#!) names a program that is not there, as in a virtualenv that was moved.",
  },
  {
    pattern: /: (?:command )?not found$/,
    remedy:
      "It is not in the PATH of a login without a terminal. Write its full path on the host, in supervisor.command or in the script that this names.",
  },
  {
    pattern: /: Permission denied$/i,
    remedy:
      "The login may not run it. Set supervisor.sudo: true, or make the file and the folders above it executable for the login.",
  },
];

/** Never the problem, wherever it stands. */
const NOISE: readonly RegExp[] = [
  /^For help, use \S+ -h$/,
  /: warning: setlocale: /,
  /^sudo: unable to resolve host /,
  /^\S+:\d+: \w*Warning: /,
];

/** `error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: …/client.py line: 668`, as supervisorctl has it. */
const FAULT = /^error: <(?:class|type) '(?:\w+\.)*(\w+)'>, (.*?)(?:: file: \S.* line: \d+)?$/;

/** Where a stack begins; a syntax error has none but the place. */
const STACK = /^(?:Traceback \(most recent call last\):$| {2}File ".*", line \d+)/;

/** Between the exceptions of a chain: only the last of them has ended the program. */
const CHAINED =
  /^(?:During handling of the above exception, another exception occurred|The above exception was the direct cause of the following exception):$/;

/** Finds the first line of a text that names the problem, or else takes its end. */
export function complaintIn(text: string): Complaint {
  const lines = relevantLines(text);
  const found = lines.flatMap((line) => {
    const known = KNOWN.find(({ pattern }) => pattern.test(line));
    return known ? [{ line, known }] : [];
  });
  const [first] = found;
  if (!first) return { said: endOf(lines) };
  const { line, known } = first;
  const silence = found.find(({ known: { silence: one } }) => one !== undefined)?.known.silence;
  return {
    said: known.meaning === undefined ? line : `${known.meaning} (${line})`,
    remedy: known.remedy,
    ...(silence && { silence }),
    ...(known.isOfLogin && { isOfLogin: true }),
  };
}

/** The end of what was said, as one line. Of what Python failed with there is the exception, and no stack. */
export function lastWords(text: string): string {
  return endOf(relevantLines(text));
}

function endOf(lines: readonly string[]): string {
  return [...new Set(lines)].slice(-3).join("; ");
}

/** Its lines without noise and without stacks. */
function relevantLines(text: string): string[] {
  const relevant: string[] = [];
  let beforeStack = 0;
  /** What belongs to a stack or a warning is indented, or empty. */
  let isWithin = false;
  for (const line of text.split(/\r?\n/)) {
    if (STACK.test(line)) {
      if (!isWithin) beforeStack = relevant.length;
      isWithin = true;
    } else if (CHAINED.test(line)) {
      relevant.length = beforeStack;
    } else if (NOISE.some((pattern) => pattern.test(line))) {
      isWithin = true;
    } else if (!/^\s|^$/.test(line)) {
      isWithin = false;
      relevant.push(withoutNames(withoutPlace(line.trim())));
    } else if (!isWithin && line.trim() !== "") {
      relevant.push(line.trim());
    }
  }
  return relevant;
}

/** supervisor/options.py lists all names that an expansion knows, of which the environment has a hundred: the first will do. */
function withoutNames(line: string): string {
  return line.replace(/(Available names: (?:[^,\s]+, ){3})[^,\s]+(?:, [^,\s]+)+/, "$1…");
}

/** A fault without its place in the files of Python: `Fault 6: 'SHUTDOWN_STATE'`, `PermissionError: [Errno 13] …`. */
function withoutPlace(line: string): string {
  const [, name, message = ""] = FAULT.exec(line) ?? [];
  if (name === undefined) return line;
  return message.startsWith(`<${name} `) && message.endsWith(">") ? message.slice(1, -1) : `${name}: ${message}`;
}
