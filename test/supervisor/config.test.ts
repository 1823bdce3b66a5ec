import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import { parseConfigFiles } from "../../src/supervisor/config-files.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";
import { raiseFleet } from "../fleet/fleet.ts";
import { targetOf, temporaryFolder } from "../hosts/fixtures.ts";
import { raiseStatesHost } from "./states-host.ts";

const run = promisify(execFile);

describe("what can be learnt of Supervisor's configuration", () => {
  it("is startsecs and stopwaitsecs by XML-RPC, and supervisord notices nothing", async () => {
    const host = await raiseStatesHost();
    const access = openLocal("here" as HostName);
    try {
      const settings = { command: "supervisorctl", sudo: false, server_url: host.socketUrl, config: host.config };
      const reader = supervisorReader(access, settings, 30_000);
      const before = await host.truth("bare");
      const { instances } = await reader.config();
      assert.deepEqual(instances.get("starting" as InstanceName), { startsecs: 100_000, stopwaitsecs: 10 });
      assert.deepEqual(instances.get("stopping" as InstanceName), { startsecs: 1, stopwaitsecs: 100_000 });
      assert.deepEqual(instances.get("odd:we$ird'q;z" as InstanceName), { startsecs: 1, stopwaitsecs: 10 });
      assert.equal(instances.size, host.names.length);
      assert.equal((await host.truth("bare")).pid, before.pid);
      // Without XML-RPC supervisorctl does not tell.
      const plain = supervisorReader(access, { command: "supervisorctl", sudo: false, config: host.config }, 30_000);
      assert.deepEqual([...(await plain.config()).instances], []);
    } finally {
      await access.close();
      await host.down();
    }
  });

  it("is how old its files are, with those that it includes, and which programs stand in them", async () => {
    const { folder, remove } = await temporaryFolder();
    const config = join(folder, "supervisord.conf");
    await mkdir(join(folder, "conf.d"));
    await mkdir(join(folder, "more"));
    const main = "[supervisord]\n[include]\nfiles = conf.d/*.conf %(here)s/more/*.ini\n[group:all]\nprograms=in,out\n";
    await writeFile(config, main);
    await writeFile(join(folder, "conf.d", "web.conf"), "[program:web]\ncommand=x\n; [program:not]\n");
    await writeFile(join(folder, "conf.d", "mail.conf"), "[program:in]\n[program:out]\n[fcgi-program:php]\n");
    await writeFile(join(folder, "more", "job.ini"), "[program:job]\n");
    const old = Date.now() / 1000 - 3600;
    await utimes(join(folder, "more", "job.ini"), old, old);
    try {
      const access = openLocal("here" as HostName);
      const { files } = await supervisorReader(
        access,
        { command: "supervisorctl", sudo: false, config },
        30_000,
      ).config();
      assert.deepEqual(
        files.map(({ path, programs }) => [path.slice(folder.length), programs]),
        [
          ["/supervisord.conf", ["all"]],
          ["/conf.d/mail.conf", ["all", "php"]],
          ["/conf.d/web.conf", ["web"]],
          ["/more/job.ini", ["job"]],
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
    assert.deepEqual(await supervisorReader(access, settings, 30_000).config(), { instances: new Map(), files: [] });
    assert.deepEqual(parseConfigFiles("Welcome!\nprograms=a\n[program:b]\nfile x y\n"), []);
  });

  it("shows a config that was written since, until supervisorctl update has taken it over", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] });
    const host = fleet.host("host-1");
    const access = openHost(targetOf(fleet, host));
    const config = host.supervisorConfig;
    const reader = supervisorReader(access, { command: "supervisorctl", sudo: false, config }, 30_000);
    const isStale = async () => {
      const look = await reader.look();
      const { files } = await reader.config();
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
