import assert from "node:assert/strict";
import { complaintIn, lastWords } from "../../src/supervisor/complaints.ts";

const fault = (name: string, message: string) =>
  `error: <class '${name}'>, ${message}: file: /usr/lib/python3.11/xmlrpc/client.py line: 668\n`;

const stack = (exception: string) =>
  `Traceback (most recent call last):
  File "/usr/bin/supervisorctl", line 33, in <module>
    sys.exit(load_entry_point('supervisor==4.2.5', 'console_scripts', 'supervisorctl')())
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
${exception}
`;

/** As they were said by Supervisor 4.2.5 (Python 2.7 to 3.13), sudo 1.9.13, pyenv 2.5, dash, bash 5.2, or in public reports. */
const seen: readonly (readonly [what: string, text: string, said: string, remedy: RegExp])[] = [
  [
    "a supervisord that shuts down",
    fault("xmlrpc.client.Fault", "<Fault 6: 'SHUTDOWN_STATE'>"),
    "supervisord is shutting down (Fault 6: 'SHUTDOWN_STATE')",
    /^Wait until supervisord is up again/,
  ],
  [
    "a supervisord that shuts down, on Python 2",
    "error: <class 'xmlrpclib.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: /usr/lib/python2.7/xmlrpclib.py line: 800\n",
    "supervisord is shutting down (Fault 6: 'SHUTDOWN_STATE')",
    /^Wait until supervisord is up again/,
  ],
  [
    "a supervisord that is down",
    "http://127.0.0.1:9001 refused connection\n",
    "supervisord is not running there: nothing listens where it did (http://127.0.0.1:9001 refused connection)",
    /^Start supervisord there/,
  ],
  [
    "a socket that the login may not use",
    fault("PermissionError", "[Errno 13] Permission denied"),
    "the login may not use Supervisor's socket (PermissionError: [Errno 13] Permission denied)",
    /supervisor: \{ sudo: true \}/,
  ],
  [
    "an expansion of a variable that is not set: a hundred names that are set, in one line",
    `Error: Format string 'x %(ENV_NO)s' for 'program:a.command' contains names ('ENV_NO') which cannot be expanded. Available names: ${Array.from({ length: 100 }, (_, index) => `ENV_${index}`).join(", ")} in section 'program:a' (file: '/etc/supervisor/conf.d/a.conf')\nFor help, use /usr/bin/supervisorctl -h\n`,
    "Error: Format string 'x %(ENV_NO)s' for 'program:a.command' contains names ('ENV_NO') which cannot be expanded. Available names: ENV_0, ENV_1, ENV_2, … in section 'program:a' (file: '/etc/supervisor/conf.d/a.conf')",
    /set that variable/i,
  ],
  [
    "a password that supervisorctl does not have",
    `Server requires authentication\n${fault("xmlrpc.client.ProtocolError", "<ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>")}`,
    "Server requires authentication",
    /\[supervisorctl\]/,
  ],
  [
    "a configuration that is not there",
    "Error: could not find config file /no/such\nFor help, use /usr/bin/supervisorctl -h\n",
    "supervisorctl does not find Supervisor's configuration, or may not read it (Error: could not find config file /no/such)",
    /supervisor\.config/,
  ],
  [
    "a pyenv shim, whose Python has no Supervisor",
    "pyenv: supervisorctl: command not found\n\nThe `supervisorctl' command exists in these Python versions:\n  3.8.18\n\nNote: See 'pyenv help global' for tips on allowing multiple\n      Python versions to be found at the same time.\n",
    "pyenv: supervisorctl: command not found",
    /pyenv whence --path supervisorctl/,
  ],
  [
    "a pyenv version that is gone",
    "pyenv: version `3.9.99' is not installed (set by /home/app/.python-version)\npyenv: supervisorctl: command not found\n",
    "pyenv: version `3.9.99' is not installed (set by /home/app/.python-version)",
    /full path of the real one/,
  ],
  [
    "a shim of asdf",
    "No version is set for command supervisorctl\nConsider adding one of the following versions in your config file at /home/app/.tool-versions\npython 3.8.18\n",
    "No version is set for command supervisorctl",
    /full path of the real one/,
  ],
  [
    "a sudo that allows other commands only",
    "Sorry, user app is not allowed to execute '/usr/bin/supervisorctl status' as root on web-01.\n",
    "Sorry, user app is not allowed to execute '/usr/bin/supervisorctl status' as root on web-01.",
    /NOPASSWD/,
  ],
  [
    "a Python without Supervisor",
    stack("ModuleNotFoundError: No module named 'supervisor'"),
    "ModuleNotFoundError: No module named 'supervisor'",
    /Install Supervisor there again/,
  ],
  [
    "a Python 2 without Supervisor",
    stack(
      "pkg_resources.DistributionNotFound: The 'supervisor==4.2.5' distribution was not found and is required by the application",
    ),
    "pkg_resources.DistributionNotFound: The 'supervisor==4.2.5' distribution was not found and is required by the application",
    /Install Supervisor there again/,
  ],
  [
    "a Python without setuptools",
    stack("ModuleNotFoundError: No module named 'pkg_resources'"),
    "ModuleNotFoundError: No module named 'pkg_resources'",
    /setuptools before 82/,
  ],
  [
    "a chain of exceptions, of which the last has ended it",
    `${stack("StopIteration")}\nDuring handling of the above exception, another exception occurred:\n\n${stack("importlib.metadata.PackageNotFoundError: No package metadata was found for supervisor")}`,
    "importlib.metadata.PackageNotFoundError: No package metadata was found for supervisor",
    /Install Supervisor there again/,
  ],
  [
    "a name that cannot be printed without a locale",
    fault(
      "UnicodeEncodeError",
      "'ascii' codec can't encode character '\\xe9' in position 0: ordinal not in range(128)",
    ),
    "supervisorctl runs without a UTF-8 locale, and a name or a file that it reads is not ASCII (UnicodeEncodeError: 'ascii' codec can't encode character '\\xe9' in position 0: ordinal not in range(128))",
    /LANG=C\.UTF-8/,
  ],
  [
    "a configuration that cannot be read without a locale",
    "Error: 'ascii' codec can't decode byte 0xc3 in position 301: ordinal not in range(128)\nFor help, use /usr/bin/supervisorctl -h\n",
    "supervisorctl runs without a UTF-8 locale, and a name or a file that it reads is not ASCII (Error: 'ascii' codec can't decode byte 0xc3 in position 301: ordinal not in range(128))",
    /LANG=C\.UTF-8/,
  ],
  [
    "requiretty",
    "sudo: unable to resolve host web-01: Name or service not known\nsudo: sorry, you must have a tty to run sudo\n",
    "sudo: sorry, you must have a tty to run sudo",
    /!requiretty/,
  ],
  ["a sudo that asks for a password", "sudo: a password is required\n", "sudo: a password is required", /NOPASSWD/],
  [
    "a sudo that asks for a password, in other versions",
    "sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\n",
    "sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper",
    /NOPASSWD/,
  ],
  [
    "a sudo that does not find it",
    "sudo: supervisorctl: command not found\n",
    "sudo: supervisorctl: command not found",
    /secure_path/,
  ],
  ["a host without sudo", "sh: 5: exec: sudo: not found\n", "sh: 5: exec: sudo: not found", /^Install sudo/],
  [
    "a moved virtualenv, as bash says it",
    "sh: line 1: /opt/app/venv/bin/supervisorctl: /srv/app/venv/bin/python: bad interpreter: No such file or directory\n",
    "sh: line 1: /opt/app/venv/bin/supervisorctl: /srv/app/venv/bin/python: bad interpreter: No such file or directory",
    /first line \(#!\).*virtualenv that was moved/,
  ],
  [
    "a moved virtualenv, as a newer bash says it",
    "sh: line 1: /opt/venv/bin/supervisorctl: cannot execute: required file not found\n",
    "sh: line 1: /opt/venv/bin/supervisorctl: cannot execute: required file not found",
    /first line \(#!\).*virtualenv that was moved/,
  ],
  [
    "a moved virtualenv or a file that is not there, which are one to dash",
    "sh: 1: exec: /opt/venv/bin/supervisorctl: not found\n",
    "sh: 1: exec: /opt/venv/bin/supervisorctl: not found",
    /full path.*first line \(#!\).*virtualenv that was moved/,
  ],
  [
    "a command that is not in the PATH",
    "bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\nsh: 1: exec: supervisorctl: not found\n",
    "sh: 1: exec: supervisorctl: not found",
    /not in the PATH/,
  ],
  [
    "a file that may not be executed",
    "sh: 1: exec: /root/venv/bin/supervisorctl: Permission denied\n",
    "sh: 1: exec: /root/venv/bin/supervisorctl: Permission denied",
    /may not run it/,
  ],
];

describe("what is said in place of states", () => {
  for (const [what, text, said, remedy] of seen)
    it(`is told by its first telling line, with a remedy: ${what}`, () => {
      const complaint = complaintIn(text);
      assert.equal(complaint.said, said);
      assert.match(complaint.remedy ?? "", remedy);
    });

  for (const [what, text, said] of [
    ["an exception", stack("RuntimeError: disk on fire"), "RuntimeError: disk on fire"],
    [
      "one of several lines",
      stack("configparser.MissingSectionHeaderError: File contains no section headers.\nfile: 's.conf', line: 1"),
      "configparser.MissingSectionHeaderError: File contains no section headers.; file: 's.conf', line: 1",
    ],
    [
      "a syntax error, which has no stack",
      '  File "/usr/bin/supervisorctl", line 5\n    print "x"\n    ^^^^^^^^^\nSyntaxError: Missing parentheses\n',
      "SyntaxError: Missing parentheses",
    ],
    [
      "one beside a warning",
      `/usr/lib/python3/dist-packages/supervisor/options.py:13: UserWarning: pkg_resources is deprecated as an API.\n  import pkg_resources\n${stack("KeyError: 'x'")}`,
      "KeyError: 'x'",
    ],
    [
      "a fault of supervisord",
      fault("xmlrpc.client.ProtocolError", "<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>"),
      "ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error",
    ],
    [
      "a failure in Python",
      fault("socket.gaierror", "[Errno -2] Name or service not known"),
      "gaierror: [Errno -2] Name or service not known",
    ],
  ] as const)
    it(`is never a stack: of Python there is what it failed with, as ${what}`, () => {
      assert.deepEqual(complaintIn(text), { said });
      assert.equal(lastWords(`web:web_00: stopped\n${text}`), `web:web_00: stopped; ${said}`);
    });

  it("is its end where nothing is known of it", () => {
    assert.deepEqual(complaintIn("one\ntwo\r\n\nthree\n four \n"), { said: "two; three; four" });
    assert.deepEqual(complaintIn("\n"), { said: "" });
  });

  for (const [text, silence] of [
    [fault("xmlrpc.client.Fault", "<Fault 6: 'SHUTDOWN_STATE'>"), "shutting_down"],
    ["unix:///run/s.sock no such file\n", "no_listener"],
    [fault("ConnectionRefusedError", "[Errno 111] Connection refused"), "no_listener"],
    ["Error response from daemon: container 1f is not running\n", "no_listener"],
    ["sudo: sorry, you must have a tty to run sudo\nunix:///run/s.sock no such file\n", "no_listener"],
    ["sudo: a password is required\n", undefined],
  ] as const)
    it(`says of supervisord itself that it is ${silence ?? "perhaps well"}: ${text.trim()}`, () => {
      assert.equal(complaintIn(text).silence, silence);
    });
});
