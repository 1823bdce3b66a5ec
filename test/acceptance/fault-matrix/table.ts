import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FleetOptions } from "../../fleet/fleet.ts";
import { Scene, type Fault, type FaultSet, type Seen } from "./scene.ts";
import { accountOf, told } from "./told.ts";
import { FULL } from "../../amount.ts";

const FILE = fileURLToPath(new URL("../../../docs/faults.md", import.meta.url));

const HEAD = `| what breaks | exit | what the operator sees | restarts | then |
| --- | --- | --- | --- | --- |
`;

/** Lets it happen, sees to it that nothing was lost or restarted twice, and returns the line for the table. */
async function rowOf(fault: Fault, scene: Scene): Promise<string> {
  await scene.begin();
  const seen = await fault.happen(scene);
  const said = [seen.ended, seen.then?.ended].map((ended) => ended && `${ended.stdout}\n${ended.stderr}`).join("\n");
  const restarts = await scene.restarts();
  const again = fault.restartedAgain ?? 0;
  assert.ok(Math.max(...restarts) <= (again > 0 ? 2 : 1), `restarted too often: ${restarts.join(", ")}\n${said}`);
  assert.equal(restarts.filter((times) => times === 2).length, again, `restarted: ${restarts.join(", ")}\n${said}`);
  const expected = { "each once": restarts.length, none: 0, "some once": undefined }[fault.restarts];
  const once = restarts.filter((times) => times >= 1).length;
  assert.equal(once, expected ?? once, `restarted: ${restarts.join(", ")}\n${said}`);
  assert.equal(await scene.notRunning(), fault.broken ?? 0, said);
  for (const ended of [seen.ended, seen.then?.ended]) {
    const account = ended && accountOf(ended);
    assert.equal(account?.told, account?.planned, `an instance was lost sight of\n${said}`);
  }
  const counted = `${once} of ${restarts.length}${again > 0 ? `, ${again} again` : ""}`;
  return `| ${cells(fault, seen, scene.fleet.dir).join(" | ")} | ${counted} | ${afterwards(seen, scene.fleet.dir)} |`;
}

function cells({ fault }: Fault, { ended, note }: Seen, dir: string): string[] {
  return [
    fault,
    ended.code === null ? "killed" : String(ended.code),
    `${told(ended, dir)}${note === undefined ? "" : `; ${note}`}`,
  ];
}

function afterwards({ then }: Seen, dir: string): string {
  return then ? `${then.what}: exit ${then.ended.code}, ${told(then.ended, dir)}` : "";
}

/**
 * Lets the faults of a section of docs/faults.md happen, and compares with what stands there. Each section is the file
 * of one test, so that they can be told of side by side. With UPDATE_EXPECTED=1 it is written.
 */
export function faultMatrix(section: string, sets: readonly FaultSet[]): void {
  describe(`what breaks ${section}: nothing is lost, nothing is restarted twice, and docs/faults.md says what is told:`, () => {
    const rows: string[] = [];
    let made = 0;
    for (const { fleet, faults, alsoLocal } of sets) {
      const chosen = faults.filter(({ isSampled }) => FULL || isSampled);
      if (chosen.length === 0) continue;
      describe(`on ${fleet.hosts} hosts`, () => {
        let scene: Scene;
        before(async () => void (scene = await Scene.raise(fleet)));
        after(() => scene.fleet.down());
        for (const fault of chosen) {
          made++;
          it(fault.fault, async () => void rows.push(await rowOf(fault, scene)));
        }
      });
      if (FULL && alsoLocal) describeLocal(fleet, faults);
    }
    // After a failure it is clear already that something is not as it was.
    after(() => {
      if (rows.length === made) compareWithDocs(section, rows);
    });
  });
}

/** On this machine without ssh the operator is told just the same. */
function describeLocal(fleet: FleetOptions, faults: readonly Fault[]): void {
  describe(`on ${fleet.hosts} hosts, with \`connection: local\``, () => {
    let scene: Scene;
    before(async () => void (scene = await Scene.raise({ ...fleet, reachedBy: "local" })));
    after(() => scene.fleet.down());
    for (const fault of faults)
      it(fault.fault, async () => {
        const row = await rowOf(fault, scene);
        if (process.env["UPDATE_EXPECTED"] !== "1") assertInDocs(row);
      });
  });
}

function assertInDocs(row: string): void {
  assert.ok(readFileSync(FILE, "utf8").split("\n").includes(row), `docs/faults.md does not say:\n${row}`);
}

function compareWithDocs(section: string, rows: readonly string[]): void {
  const docs = readFileSync(FILE, "utf8");
  const begin = docs.indexOf(`\n## What breaks ${section}\n`);
  const start = docs.indexOf(HEAD, begin) + HEAD.length;
  const end = docs.indexOf("\n\n", start);
  assert.ok(begin !== -1 && start > begin && end > start, `docs/faults.md has no table of what breaks ${section}`);
  const text = rows.join("\n");
  if (FULL && process.env["UPDATE_EXPECTED"] === "1")
    writeFileSync(FILE, `${docs.slice(0, start)}${text}${docs.slice(end)}`);
  else if (FULL) assert.equal(docs.slice(start, end), text);
  else for (const row of rows) assertInDocs(row);
}
