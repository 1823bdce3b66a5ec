import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { RolloutId } from "../../src/domain/ids.ts";
import { endOfJournal, journalsIn, planDirsIn } from "../../src/state/read-journal.ts";
import { journalFile, planDir, rolloutOf, stateDir } from "../../src/state/state-dir.ts";

const [OLD, NEW] = ["20261122T100000Z-ffff", "20261122T100001Z-0000"] as RolloutId[];

describe("the folder of journals", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "state-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is what the command line says, else the environment, else below the XDG state home", () => {
    const env = { ORCHESTRATE_STATE_DIR: "/from/env", XDG_STATE_HOME: "/xdg", HOME: "/home/me" };
    const { ORCHESTRATE_STATE_DIR: _, ...xdg } = env;
    assert.equal(stateDir("given", env), "given");
    assert.equal(stateDir(undefined, env), "/from/env");
    assert.equal(stateDir("", { ...env, ORCHESTRATE_STATE_DIR: "" }), "/xdg/orchestrate");
    assert.equal(stateDir(undefined, xdg), "/xdg/orchestrate");
    assert.equal(stateDir(undefined, { ...xdg, XDG_STATE_HOME: "relative" }), "/home/me/.local/state/orchestrate");
    assert.equal(stateDir(undefined, {}), join(homedir(), ".local/state/orchestrate"));
  });

  it("has a folder for each plan, by its real path: not one for two of one name, nor two for a link and its plan", () => {
    const plans = ["a", "b"].map((name) => join(folder, name, "prod.yaml"));
    for (const plan of plans) {
      mkdirSync(join(plan, ".."));
      writeFileSync(plan, "");
    }
    const [a = "", b = ""] = plans;
    const link = join(folder, "link.yaml");
    symlinkSync(a, link);
    const dirOf = (file: string) => planDir("/state", { name: "prod", file });
    assert.match(dirOf(a), /^\/state\/prod-[0-9a-f]{12}$/);
    assert.notEqual(dirOf(a), dirOf(b));
    assert.equal(dirOf(link), dirOf(a));
  });

  it("lists a plan's journals, the newest first, and nothing else that lies there", () => {
    const plan = join(folder, "prod-0123456789ab");
    mkdirSync(plan);
    for (const id of [OLD!, NEW!]) writeFileSync(journalFile(plan, id), "");
    for (const other of ["notes.txt", `${NEW}.ndjson.gz`]) writeFileSync(join(plan, other), "");
    assert.deepEqual(
      journalsIn(plan),
      [NEW, OLD].map((id) => ({ id, file: join(plan, `${id}.ndjson`) })),
    );
    assert.deepEqual(planDirsIn(folder), [plan]);
    assert.equal(rolloutOf(join(plan, "notes.txt")), undefined);
  });

  it("has no journals where there is no folder, or a file in its place", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const dir of [join(folder, "none"), file, join(file, "below")]) {
      assert.deepEqual(journalsIn(dir), []);
      assert.deepEqual(planDirsIn(dir), []);
    }
  });
});

describe("the end of a journal", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "state-"));
    file = join(folder, `${NEW}.ndjson`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const last = { v: 1, seq: 2, type: "rollout.finished", outcome: "succeeded" };

  for (const [what, text, expected] of [
    ["its last event, of however many", `${"{}\n".repeat(200_000)}${JSON.stringify(last)}\n`, last],
    ["the one before a line that was torn", `${JSON.stringify(last)}\n{"v":1`, last],
    ["unknown where it is empty", "", undefined],
    ["unknown where it is one torn line", '{"v":1,"seq":1', undefined],
    ["unknown where the last line is no JSON", "rubbish\n", undefined],
    ["unknown where the last line is longer than any end", `{"x":"${"y".repeat(300_000)}"}\n`, undefined],
  ] as const)
    it(`is ${what}`, () => {
      writeFileSync(file, text);
      assert.deepEqual(endOfJournal(file), expected);
    });

  it("is unknown where it can not be read, as when it was removed in this moment", () => {
    assert.equal(endOfJournal(file), undefined);
    mkdirSync(file);
    assert.equal(endOfJournal(file), undefined);
  });
});
