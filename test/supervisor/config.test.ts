import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { HostAccess } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import type { SupervisorSettings } from "../../src/domain/target.ts";
import { configFiles, parseConfigFiles } from "../../src/supervisor/config-files.ts";
import { CONFIG_SCRIPT } from "../../src/supervisor/config-script.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";
import { raiseFleet } from "../fleet/fleet.ts";
import { targetOf, temporaryFolder } from "../hosts/fixtures.ts";
import { INCLUDED, MAIN } from "./config-forms.ts";
import { raiseConfigHost } from "./config-host.ts";
import { raiseStatesHost } from "./states-host.ts";

const run = promisify(execFile);

describe("what can be learnt of Supervisor's configuration", () => {
  it("is the same by XML-RPC, supervisorctl and from the files, as far as each tells, and supervisord notices nothing", async () => {
    const host = await raiseStatesHost();
    const access = openLocal("here" as HostName);
    try {
      const names = host.names as InstanceName[];
      const before = await host.truth("bare");
      const configs = async (settings: Partial<SupervisorSettings>) => {
        const reader = supervisorReader(access, { command: "supervisorctl", sudo: false, ...settings }, 30_000);
        const { instances } = await reader.config(names);
        await reader.close();
        return instances;
      };
      const { config, socketUrl: server_url } = host;
      const byAll = await configs({ config, server_url });
      const starting = { section: "starting", is_listener: false, group_priority: 999, priority: 999 };
      const { stdout_logfile, stderr_logfile, ...known } = byAll.get("starting" as InstanceName) ?? {};
      assert.deepEqual(known, {
        ...starting,
        autostart: false,
        autorestart: "unexpected",
        exitcodes: [0],
        startsecs: 100_000,
        startretries: 3,
        stopwaitsecs: 10,
        stopasgroup: false,
        redirect_stderr: false,
      });
      assert.equal(byAll.get("exited" as InstanceName)?.autorestart, false);
      assert.equal(byAll.get("stopping" as InstanceName)?.stopwaitsecs, 100_000);
      assert.equal(byAll.get("odd:we$ird'q;z" as InstanceName)?.section, "odd4");
      const fromFiles = await configs({ config });
      const without = (all: typeof byAll) =>
        [...all].map(([name, { stdout_logfile: out, stderr_logfile: err, ...rest }]) => [name, rest]);
      assert.deepEqual(without(fromFiles), without(byAll));
      // Of another supervisorctl's config nothing is known but what that supervisorctl tells.
      const byAvail = await configs({ config: host.passwordConfig, server_url: host.serverUrl });
      assert.deepEqual(byAvail.get("stopped" as InstanceName), { autostart: true, group_priority: 999, priority: 999 });
      assert.deepEqual(byAvail.get("never" as InstanceName), { autostart: false, group_priority: 999, priority: 999 });
      assert.equal(byAvail.size, names.length);
      assert.equal((await host.truth("bare")).pid, before.pid);
    } finally {
      await access.close();
      await host.down();
    }
  });

  it("is read from the files as supervisord itself reads them, however they are written", async () => {
    const host = await raiseConfigHost(MAIN, INCLUDED);
    const access = openLocal("here" as HostName);
    try {
      const { config, socketUrl: server_url } = host;
      const settings = { command: "supervisorctl", sudo: false, config } as const;
      const reader = supervisorReader(access, settings, 30_000);
      const asked = supervisorReader(access, { ...settings, server_url }, 30_000);
      const look = await reader.look();
      assert.ok(look.kind === "seen");
      const names = look.snapshots.map(({ instance }) => instance);
      const fromFiles = (await configFiles(access, settings, 30_000)).configOf;
      const told = (await asked.config(names)).instances;
      for (const name of names) {
        const { stdout_logfile, stderr_logfile, ...inFile } = fromFiles(name) ?? {};
        const { stdout_logfile: out, stderr_logfile: err, ...bySupervisor } = told.get(name) ?? {};
        assert.ok(inFile.section !== undefined, name);
        // What supervisord took from its own environment cannot be known.
        const { startsecs, ...others } = bySupervisor;
        assert.deepEqual(inFile, inFile.section === "worker" ? others : bySupervisor, name);
        assert.equal(startsecs, { web: 31, crlf: 4, worker: 7 }[inFile.section] ?? 1, name);
      }
      const of = (name: string) => fromFiles(name as InstanceName);
      assert.deepEqual(names.filter((name) => of(name)?.is_listener).sort(), ["first", "memmon"]);
      assert.deepEqual([of("app:shop-app-2")?.autorestart, of("app:beat")?.autorestart], [true, false]);
      assert.deepEqual(of("app:beat")?.exitcodes, [0, 2]);
      assert.deepEqual([of("app:beat")?.stdout_logfile, of("app:beat")?.stderr_logfile], ["syslog", "NONE"]);
      assert.equal(of("app:shop-app-2")?.redirect_stderr, true);
      assert.equal(of("of_a_value"), undefined);
      await Promise.all([reader.close(), asked.close()]);
    } finally {
      await access.close();
      await host.down();
    }
  });

  it("knows an event listener by its priority where its section cannot be read", async () => {
    const host = await raiseConfigHost(MAIN, INCLUDED);
    const access = openLocal("here" as HostName);
    try {
      const bare = join(host.folder, "supervisorctl.conf");
      await writeFile(bare, `[supervisorctl]\nserverurl=${host.socketUrl}\n`);
      const reader = supervisorReader(access, { command: "supervisorctl", sudo: false, config: bare }, 30_000);
      const { instances } = await reader.config(["memmon", "first", "crlf", "app:web_00"] as InstanceName[]);
      const priorities = (name: string) => {
        const { group_priority, priority, is_listener } = instances.get(name as InstanceName) ?? {};
        return [group_priority, priority, is_listener];
      };
      assert.deepEqual(priorities("memmon"), [-1, 999, true]);
      assert.deepEqual(priorities("first"), [3, 3, undefined]);
      assert.deepEqual(priorities("crlf"), [-3, -3, undefined]);
      assert.deepEqual(priorities("app:web_00"), [5, 7, undefined]);
      await reader.close();
      // Where no session is to be had, one supervisorctl is started for it; none where the files have it all.
      const argvs: string[] = [];
      const plain: HostAccess = {
        ...access,
        run: (argv, bounds) => {
          argvs.push(argv.join(" "));
          return access.run(argv, bounds);
        },
        spawn: () => Promise.resolve({ kind: "failed", reason: "no session here" }),
      };
      const configOf = async (file: string) => {
        const byExec = supervisorReader(plain, { command: "supervisorctl", sudo: false, config: file }, 30_000);
        return (await byExec.config(["memmon"] as InstanceName[])).instances.get("memmon" as InstanceName);
      };
      assert.equal((await configOf(bare))?.is_listener, true);
      assert.equal(argvs.filter((argv) => argv.endsWith("avail")).length, 1);
      assert.equal((await configOf(host.config))?.is_listener, true);
      assert.equal(argvs.filter((argv) => argv.endsWith("avail")).length, 1);
    } finally {
      await access.close();
      await host.down();
    }
  });

  it("never takes what may be a secret off the host, and no more than so much", async () => {
    const { folder, remove } = await temporaryFolder();
    const access = openLocal("here" as HostName);
    try {
      const config = join(folder, "supervisord.conf");
      const huge = "[program:huge]\nstartsecs=2\n";
      await mkdir(join(folder, "conf.d"));
      await writeFile(join(folder, "conf.d", "a.conf"), huge + `; ${"x".repeat(1_000_000)}\n`);
      for (let index = 0; index < 12; index++) {
        const sections = Array.from({ length: 2000 }, (_, n) => `[program:p${index}-${n}]\nstartsecs=2\n`);
        await writeFile(join(folder, "conf.d", `b${index}.conf`), sections.join(""));
      }
      await writeFile(
        config,
        MAIN +
          '[unix_http_server]\npassword=a-secret\n[supervisord]\nenvironment=\n  A="a-secret",\n  priority="a-secret"\n',
      );
      const outcome = await access.run(["sh", "-c", CONFIG_SCRIPT, "sh", config, "supervisorctl"], {
        timeoutMs: 30_000,
      });
      assert.ok(outcome.kind === "exited");
      assert.doesNotMatch(outcome.stdout, /secret|true/);
      assert.match(outcome.stdout, /^\[program:web\]$/m);
      assert.doesNotMatch(outcome.stdout, /huge|^end$/m);
      assert.ok(outcome.stdout.length <= 500_000 && outcome.stdout.length > 490_000);
      // What was cut off is not taken for its defaults.
      const { files, configOf } = parseConfigFiles(outcome.stdout);
      const last = /.*\[program:([^\]]+)\]/s.exec(outcome.stdout)?.[1] as InstanceName;
      assert.equal(configOf(last), undefined);
      assert.equal(configOf("b0-0" as InstanceName)?.startsecs ?? configOf("p0-0" as InstanceName)?.startsecs, 2);
      assert.ok(files.length < 13);
    } finally {
      await access.close();
      await remove();
    }
  });

  it("stays unknown where it depends on what cannot be known, or two programs may be meant", () => {
    const sections = [
      "[group:app]\nprograms=a,b,c",
      "[program:a]\nprocess_name=%(ENV_A)s_1\npriority=%(ENV_P)s",
      "[program:b]\nprocess_name=%(constructor)s_2",
      "[program:c]\nprocess_name=%(host_node_name)s_2",
      "[program:d]\nprocess_name=%(ENV_A)s%(ENV_B)s%(ENV_C)s%(ENV_D)s",
    ];
    const configs = parseConfigFiles(`file 1 /x\n${sections.join("\n")}\nend\n`);
    const of = (name: string) => configs.configOf(name as InstanceName);
    assert.equal(of("app:x_1")?.section, "a");
    assert.ok(!("priority" in (of("app:x_1") ?? {})));
    for (const unknown of ["app:x_2", "app:x_3", "d:x", "x_1"]) assert.equal(of(unknown), undefined, unknown);
  });

  it("is found where supervisorctl finds it, and is not looked for behind a command that may be anywhere", async () => {
    const { folder, remove } = await temporaryFolder();
    const access = openLocal("here" as HostName);
    try {
      await mkdir(join(folder, "bin"));
      await mkdir(join(folder, "etc"));
      await writeFile(join(folder, "bin", "supervisorctl"), "#!/bin/sh\n", { mode: 0o755 });
      await writeFile(join(folder, "bin", "inside"), "#!/bin/sh\n", { mode: 0o755 });
      await writeFile(join(folder, "etc", "supervisord.conf"), "[program:web]\n");
      const filesOf = async (settings: SupervisorSettings) =>
        (await configFiles(access, settings, 30_000)).files.map(({ path }) => path);
      const there = join(folder, "etc", "supervisord.conf");
      assert.deepEqual(await filesOf({ command: join(folder, "bin", "supervisorctl"), sudo: false }), [there]);
      assert.deepEqual(await filesOf({ command: join(folder, "bin", "inside"), sudo: false, config: there }), []);
    } finally {
      await access.close();
      await remove();
    }
  });

  it("is how old its files are, with those that it includes, and which programs stand in them", async () => {
    const { folder, remove } = await temporaryFolder();
    const config = join(folder, "supervisord.conf");
    await mkdir(join(folder, "conf.d"));
    await mkdir(join(folder, "more"));
    const main =
      "[supervisord]\n[include]\nfiles =\n  conf.d/*.conf\n; and\n\n  %(here)s/more/*.ini\n[group:all]\nprograms=in,out\n";
    await writeFile(config, main);
    await writeFile(join(folder, "conf.d", "web.conf"), "[program:web]\ncommand=x\n; [program:not]\n");
    await writeFile(join(folder, "conf.d", "mail.conf"), "[program:in]\n[program:out]\n[fcgi-program:php]\n");
    await writeFile(join(folder, "more", "job.ini"), "[program:job]\n[eventlistener:mail]\nevents=TICK_5\n");
    const old = Date.now() / 1000 - 3600;
    await utimes(join(folder, "more", "job.ini"), old, old);
    try {
      const access = openLocal("here" as HostName);
      const { files } = await supervisorReader(
        access,
        { command: "supervisorctl", sudo: false, config },
        30_000,
      ).config([]);
      assert.deepEqual(
        files.map(({ path, programs }) => [path.slice(folder.length), programs]),
        [
          ["/supervisord.conf", ["all"]],
          ["/conf.d/mail.conf", ["all", "php"]],
          ["/conf.d/web.conf", ["web"]],
          ["/more/job.ini", ["job", "mail"]],
        ],
      );
      assert.ok((files[0]?.age_s ?? -1) >= 0 && (files[0]?.age_s ?? 60) < 60);
      assert.ok((files[3]?.age_s ?? 0) >= 3600);
    } finally {
      await remove();
    }
  });

  it("is nothing where the login may read nothing, or something else is printed", async () => {
    const access = openLocal("here" as HostName);
    const settings = { command: "supervisorctl", sudo: false, config: "/no/such/file" };
    assert.deepEqual(await supervisorReader(access, settings, 30_000).config([]), { instances: new Map(), files: [] });
    assert.deepEqual(parseConfigFiles("Welcome!\nprograms=a\n[program:b]\nfile x y\nend\n").files, []);
  });

  it("shows a config that was written since also after a restart, and by XML-RPC when an update has loaded it", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] });
    const host = fleet.host("host-1");
    const access = openHost(targetOf(fleet, host));
    const config = host.supervisorConfig;
    const settings = {
      command: "supervisorctl",
      sudo: false,
      config,
      server_url: `unix://${join(host.dir, "s.sock")}`,
    };
    const reader = supervisorReader(access, settings, 30_000);
    const known = async () => {
      const look = await reader.look();
      assert.ok(look.kind === "seen");
      const names = look.snapshots.map(({ instance }) => instance);
      const { files, supervisor_age_s: age = 0, never_ended: neverEnded, differing } = await reader.config(names);
      const [file] = files.filter(({ programs }) => programs.length > 0);
      return {
        isYounger: (file?.age_s ?? Infinity) < age,
        areFirst: names.every((name) => neverEnded?.has(name)),
        differing: [...(differing?.values() ?? [])],
      };
    };
    try {
      const long = Date.now() / 1000 - 3600;
      await utimes(config, long, long);
      assert.deepEqual(await known(), { isYounger: false, areFirst: true, differing: [] });
      const text = await readFile(config, "utf8");
      await writeFile(
        config,
        text.replace(/^startsecs *=.*$/gm, "").replace(/^(\[program:.*\])$/gm, "$1\nstartsecs=3"),
      );
      const soon = Date.now() / 1000 + 60;
      await utimes(config, soon, soon);
      await run("supervisorctl", ["-c", config, "restart", "all"]);
      const changed = "startsecs is 3 there, and 1 in supervisord";
      assert.deepEqual(await known(), { isYounger: true, areFirst: false, differing: [changed] });
      await run("supervisorctl", ["-c", config, "update"]);
      assert.deepEqual(await known(), { isYounger: true, areFirst: true, differing: [] });
    } finally {
      await reader.close();
      await access.close();
      await fleet.down();
    }
  });

  it("shows a config that was written since, until supervisorctl update has taken it over", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] });
    const host = fleet.host("host-1");
    const access = openHost(targetOf(fleet, host));
    const config = host.supervisorConfig;
    const reader = supervisorReader(access, { command: "supervisorctl", sudo: false, config }, 30_000);
    const isStale = async () => {
      const look = await reader.look();
      const { files } = await reader.config([]);
      assert.ok(look.kind === "seen");
      const uptimes = look.snapshots.map(({ uptime_s = 0 }) => uptime_s);
      return files.some(({ age_s, programs }) => age_s < Math.max(...uptimes) && programs.length > 0);
    };
    try {
      const long = Date.now() / 1000 - 3600;
      await utimes(config, long, long);
      assert.equal(await isStale(), false);
      const log = await host.supervisordLog();
      await appendFile(config, "environment=NEW=1\n");
      // However slow this machine is just now.
      const soon = Date.now() / 1000 + 60;
      await utimes(config, soon, soon);
      assert.equal(await isStale(), true);
      assert.equal(await host.supervisordLog(), log);
      await utimes(config, new Date(), new Date());
      await run("supervisorctl", ["-c", config, "update"]);
      assert.equal(await isStale(), false);
    } finally {
      await reader.close();
      await access.close();
      await fleet.down();
    }
  });
});
