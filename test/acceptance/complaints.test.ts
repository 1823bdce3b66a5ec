import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { itInFull } from "../amount.ts";
import { orchestrate, writePlan } from "./orchestrate.ts";

describe("a supervisorctl that gives no states: the refusal has the line that tells why, and what to do about it", () => {
  let fleet: Fleet;
  let host: FleetHost;
  before(async () => {
    fleet = await raiseFleet({
      hosts: 1,
      groups: [
        { name: "web", processes: 1, stopwaitsecs: 600 },
        { name: "grüße", processes: 1 },
      ],
    });
    host = fleet.hosts[0]!;
  });
  after(() => fleet.down());

  /** An executable of our own on the host. */
  async function script(name: string, text: string): Promise<string> {
    const dir = join(host.dir, name);
    await mkdir(dir);
    await writeFile(join(dir, "supervisorctl"), `${text}\n`, { mode: 0o755 });
    return join(dir, "supervisorctl");
  }

  async function refused(
    supervisor: Record<string, unknown>,
    { reason, remedy }: { readonly reason: RegExp; readonly remedy: RegExp },
  ): Promise<void> {
    const settings = { config: host.supervisorConfig, ...supervisor };
    const hosts = { [host.name]: { ...fleet.planHosts()[host.name], supervisor: settings } };
    const { code, stdout, stderr } = await orchestrate(await writePlan(fleet, { hosts }));
    assert.equal(code, 3, stdout + stderr);
    assert.doesNotMatch(stderr, /Traceback|File "|<class|For help/);
    const [title = "", first = "", then = ""] = stderr
      .split("\n")
      .slice(stderr.split("\n").indexOf("refused because") + 1);
    assert.match(title, /\(supervisor_unavailable\)$/, stderr);
    assert.match(first.trim(), reason);
    assert.match(then.trim(), remedy);
  }

  for (const [what, text, reason, remedy] of [
    [
      "a Python without Supervisor",
      `#!/bin/sh\nexec python3 -S -c 'from supervisor.supervisorctl import main; main()' "$@"`,
      /^host-1: ModuleNotFoundError: No module named 'supervisor'$/,
      /^The Python that runs supervisorctl does not have all of Supervisor/,
    ],
    [
      "a virtualenv that was moved",
      "#!/srv/before/venv/bin/python\nfrom supervisor.supervisorctl import main",
      /^host-1: .*\/moved\/supervisorctl: (?:not found|cannot execute|.*bad interpreter)/,
      /virtualenv that was moved/,
    ],
    [
      "no locale, and a name that is not ASCII",
      `#!/bin/sh\nPYTHONIOENCODING=ascii exec supervisorctl "$@"`,
      /^host-1: supervisorctl runs without a UTF-8 locale.*UnicodeEncodeError: 'ascii' codec can't encode character/,
      /^Set LANG=C\.UTF-8 for the login/,
    ],
    [
      "no locale, and a configuration that is not ASCII",
      `#!/bin/sh\nLC_ALL=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 exec supervisorctl "$@"`,
      /^host-1: supervisorctl runs without a UTF-8 locale.*'ascii' codec can't decode byte/,
      /^Set LANG=C\.UTF-8 for the login/,
    ],
    [
      "a pyenv shim (a stand-in that says what it says)",
      "#!/bin/sh\nprintf '%s\\n' 'pyenv: supervisorctl: command not found' '' \"The \\`supervisorctl' command exists in these Python versions:\" '  3.8.18' '' \"Note: See 'pyenv help global' for tips on allowing multiple\" '      Python versions to be found at the same time.' >&2\nexit 127",
      /^host-1: pyenv: supervisorctl: command not found$/,
      /`pyenv whence --path supervisorctl`/,
    ],
    [
      "a configuration that is broken",
      `#!/bin/sh\necho 'no section' >"$FLEET_HOST_DIR/broken.conf"\nshift 2; exec supervisorctl -c "$FLEET_HOST_DIR/broken.conf" "$@"`,
      /^host-1: configparser\.MissingSectionHeaderError: File contains no section headers\./,
      /^Run it there by hand/,
    ],
  ] as const)
    itInFull(what, async () => {
      const name = /virtualenv/.test(what) ? "moved" : `ctl-${what.replace(/\W+/g, "-")}`;
      await refused({ command: await script(name, text) }, { reason, remedy });
    });

  itInFull("requiretty (a stand-in for sudo that says what sudo says)", async () => {
    const dir = join(host.dir, "sudo");
    await mkdir(dir);
    await writeFile(join(dir, "sudo"), "#!/bin/sh\necho 'sudo: sorry, you must have a tty to run sudo' >&2\nexit 1\n", {
      mode: 0o755,
    });
    await writeFile(join(host.dir, ".bashrc"), `PATH="${dir}:$PATH"\n`);
    await refused(
      { sudo: true },
      { reason: /^host-1: sudo: sorry, you must have a tty to run sudo$/, remedy: /`Defaults:USER !requiretty`/ },
    );
    await writeFile(join(host.dir, ".bashrc"), "");
  });

  it("a supervisord that is shutting down", async () => {
    await host.restartAs("web:web_00", { kind: "held_stop" });
    await host.shutDownSupervisord(5000);
    await refused(
      {},
      {
        reason: /^host-1: supervisord is shutting down \(Fault 6: 'SHUTDOWN_STATE'\)$/,
        remedy: /^Wait until supervisord is up again/,
      },
    );
    await host.letStop("web:web_00");
    await host.supervisord.ended();
    await host.revive("supervisord");
  });
});
