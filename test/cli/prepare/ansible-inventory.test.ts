import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ansibleInventory } from "../../../src/cli/prepare/ansible-inventory.ts";

const folder = join(import.meta.dirname, "../../planner/plan/good/inventories");

describe("an Ansible inventory", () => {
  let programs: string;
  let path: string | undefined;
  beforeEach(() => {
    programs = mkdtempSync(join(tmpdir(), "programs-"));
    path = process.env["PATH"];
  });
  afterEach(() => {
    process.env["PATH"] = path;
    rmSync(programs, { recursive: true });
  });

  function install(script: string): void {
    writeFileSync(join(programs, "ansible-inventory"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(programs, "ansible-inventory"), 0o755);
    process.env["PATH"] = `${programs}${delimiter}${path ?? ""}`;
  }

  it("is read by ansible-inventory", () => {
    install('printf "%s" "$*"');
    const file = join(folder, "inventory.ini");
    assert.equal(ansibleInventory(file), `-i ${file} --list`);
  });

  it("that fails is told in its words", () => {
    install("echo noise >&2; echo 'ERROR! no such plugin' >&2; exit 4");
    assert.deepEqual(ansibleInventory(folder), {
      problem: "ansible-inventory failed (exit 4)",
      suggestion: "it says: ERROR! no such plugin",
    });
  });

  it("without Ansible is told with the remedy", () => {
    process.env["PATH"] = programs;
    assert.deepEqual(ansibleInventory(folder), {
      problem: "ansible-inventory is not installed here",
      suggestion: "install ansible-core, or list the hosts in the plan",
    });
  });

  it("that is not there is told, which Ansible itself would not", () => {
    assert.deepEqual(ansibleInventory("/nowhere.ini"), { problem: 'there is no inventory "/nowhere.ini"' });
  });
});
