import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { HostTarget } from "../../src/domain/target.ts";
import { openHost } from "../../src/hosts/open.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { FULL } from "../amount.ts";
import { isRunning } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { makePipe, nobodyAt, targetOf, temporaryFolder } from "./fixtures.ts";

const CONTROLLER = fileURLToPath(new URL("killed-controller.ts", import.meta.url));

describe("a way onto a host leaves nothing behind", () => {
  let fleet: Fleet;
  let host: FleetHost;
  /** Where the ways under test put their files. */
  let folder: string;
  let remove: () => Promise<void>;
  const outer = process.env["TMPDIR"];

  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [] });
    host = fleet.host("host-1");
  });
  after(() => fleet.down());
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    process.env["TMPDIR"] = folder;
  });
  afterEach(async () => {
    if (outer === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = outer;
    await remove();
  });

  const system = () => targetOf(fleet, host, { client: "system" });
  const open = () => openHost(system(), nobodyAt(fleet.dir));
  /** The processes that have our folder in their arguments: each ssh, and what guards it. */
  const processes = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(folder));
  const nothingLeft = async () =>
    processes().length === 0 && !(await readdir(folder)).some((name) => name.startsWith("orchestrate-"));

  it("when the ssh program's is closed", async () => {
    const access = open();
    await access.run(["true"]);
    assert.equal(processes().length, 2);
    await access.close();
    assert.ok(await nothingLeft());
  });

  it("when it is closed while it is being made", async () => {
    const access = open();
    const connecting = access.connect();
    await until(() => processes().length > 0, { deadlineMs: 10_000, what: "ssh was started" });
    await access.close();
    assert.equal((await connecting).kind, "refused");
    assert.ok(await nothingLeft());
  });

  it("when the host is lost, even before it is closed", async () => {
    const access = open();
    await access.connect();
    await host.dropConnections();
    await until(nothingLeft, { deadlineMs: 10_000, what: "nothing is left" });
    await access.close();
  });

  it("when the host is frozen", async () => {
    const access = open();
    await access.connect();
    await host.freeze("sshd");
    await access.close();
    await host.thaw("sshd");
    assert.ok(await nothingLeft());
  });

  it("wherever temporary files are, even if that is too long a path for a socket", async () => {
    process.env["TMPDIR"] = `${folder}/${"long".repeat(20)}`;
    await mkdir(process.env["TMPDIR"]);
    const access = open();
    assert.deepEqual(await access.connect(), { kind: "connected" });
    await access.close();
  });

  it("for a Ctrl-C at our terminal to hit: it is in a session of its own", async () => {
    const access = open();
    await access.connect();
    for (const pid of processes()) {
      const [, , , session] = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      assert.ok(processes().includes(session ?? ""), "its session is led by one of its own");
    }
    await access.close();
  });

  const ways: readonly (readonly [string, () => HostTarget])[] = [
    ["ssh2", () => targetOf(fleet, host)],
    ["the ssh program", system],
    ["no ssh at all", () => ({ ...targetOf(fleet, host), connection: "local" })],
  ];
  for (const [name, target] of FULL ? ways : ways.slice(0, 2)) {
    it(`when we are killed, by ${name}; a bounded command then ends on the host by itself`, async () => {
      const started = await makePipe(`${folder}/started`);
      const given = JSON.stringify({ target: target(), options: nobodyAt(fleet.dir), pipe: started.path });
      const controller = spawn(process.execPath, ["--import", "tsx", CONTROLLER, given], { stdio: "inherit" });
      const ended = once(controller, "exit");
      const pid = Number(await started.heard());
      controller.kill("SIGKILL");
      await ended;
      assert.ok(isRunning(pid), "the command goes on for now");
      await until(async () => !isRunning(pid) && (await nothingLeft()), {
        deadlineMs: 30_000,
        what: "nothing is left",
      });
    });
  }
});

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
