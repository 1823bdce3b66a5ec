import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { amount, FULL } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

/** The shortest rollout that halts: a program that ends within min_healthy_time, and that Supervisor leaves so. */
const ENDS_SOON = { name: "web", processes: 1, bare: true, startsecs: 0, extraLines: ["autorestart=false"] };

const TIMES = amount(50, 2);

describe("a rollout on this very machine that halts", () => {
  let fleet: Fleet;
  let plan: string;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [ENDS_SOON], reachedBy: "local" });
    plan = await writePlan(fleet, { timings: { ...quickTimings, between_checks: "100ms", min_healthy_time: "30s" } });
  });
  after(() => fleet.down());

  async function halts(): Promise<void> {
    const host = fleet.hosts[0]!;
    await host.behave("web", { kind: "healthy" });
    if ((await host.process("web")).state !== "RUNNING") await host.start("web");
    // Until then it has not read how it is to behave, and might end before the rollout.
    await until(() => existsSync(host.readyFile("web")), { deadlineMs: 60_000 });
    await host.behave("web", { kind: "crash_after", seconds: 0.3 });
    const page = join(fleet.dir, "page.html");
    const ended = await orchestrate(plan, "--report", page);
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /^halted: plan .*: 0 healthy, 1 failed/m);
    assert.match(ended.stdout, /^ {4}orchestrate \S+ --resume/m);
    assert.match(await readFile(page, "utf8"), /class="outcome halted"/);
  }

  it(`exits 1 with its report and its page, ${TIMES} times in a row`, async () => {
    for (let time = 0; time < TIMES; time += 1) await halts();
  }).timeout(600_000);

  if (FULL)
    it(`likewise ${TIMES} times while the machine is busy`, async () => {
      const loops = Array.from({ length: 4 }, () => spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" }));
      const ended = loops.map((loop) => once(loop, "exit"));
      try {
        for (let time = 0; time < TIMES; time += 1) await halts();
      } finally {
        for (const loop of loops) loop.kill("SIGKILL");
        await Promise.all(ended);
      }
    }).timeout(1_200_000);
});
