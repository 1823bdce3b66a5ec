import assert from "node:assert/strict";
import type { HostName, InstanceName } from "../../../src/domain/ids.ts";
import type { ProcessSnapshot } from "../../../src/domain/process-state.ts";
import { MissingPrograms } from "../../../src/planner/build/missing-programs.ts";

const RUNS: Readonly<Record<string, readonly string[]>> = {
  "app-1": ["web:0", "api"],
  "app-2": ["web:0", "api"],
  "app-3": ["web:0", "app:beat"],
};

/** What is said of a program on the hosts that lack it. */
function refused(program: string, { oneHostIsEnough = false } = {}) {
  const snapshots = (host: string): ProcessSnapshot[] =>
    (RUNS[host] ?? []).map((instance) => ({ instance: instance as InstanceName, state: "RUNNING" }));
  const fleet = new Map(
    Object.keys(RUNS).map((host) => [host as HostName, { host: host as HostName, instances: snapshots(host) }]),
  );
  const missing = new MissingPrograms(fleet, { oneHostIsEnough });
  for (const host of ["app-1", "app-2"]) missing.isNotOn(host as HostName, program, snapshots(host));
  return missing.refusals();
}

describe("a program that a host lacks", () => {
  it("names the hosts that have it, and says what to do where only some have it", () => {
    const remedy =
      "Only some hosts have it: put them into a group with `programs` of its own, which stand there in place of the plan's.";
    const reason = '"app" is on app-3, but not on this host, which has web, api';
    assert.deepEqual(refused("app"), [
      { code: "program_not_found", host: "app-1", reason, remedy },
      { code: "program_not_found", host: "app-2", reason, remedy },
    ]);
  });

  it("gets a suggestion only where no host has it: api is not meant where app is a program", () => {
    assert.match(
      refused("ap")[0]?.reason ?? "",
      /^"ap" is not on this host, which has web, api; did you mean "api"\?$/,
    );
    assert.ok(!refused("app").some(({ reason }) => reason.includes("did you mean")));
  });

  it("is not told to make a group where --program names it", () => {
    const [refusal] = refused("app", { oneHostIsEnough: true });
    assert.match(refusal?.reason ?? "", /^"app" is on app-3, but not on this host/);
    assert.ok(refusal && !("remedy" in refusal));
  });
});
