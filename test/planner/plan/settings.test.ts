import assert from "node:assert/strict";
import { parsePlan } from "../../../src/planner/plan/load.ts";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";

const PLAN = `programs: web
hosts:
  web-1.example.com:
    ssh: { port: 2222 }
  web-2.example.com:
batches: { hosts: 2 }
hooks: { before_rollout: announce }
`;

function loaded(...settings: string[]) {
  return parsePlan(PLAN, "plan.yaml", { HOME: "/root" }, { settings });
}

function planWith(...settings: string[]) {
  const read = loaded(...settings);
  return read.ok ? read.plan : assert.fail(read.diagnostics.map(formatDiagnostic).join("\n"));
}

function errorsOf(...settings: string[]): string[] {
  const read = loaded(...settings);
  return read.ok ? [] : read.diagnostics.map(formatDiagnostic);
}

describe("--set", () => {
  it("sets any key of a plan by its path, as a plan that extends it would", () => {
    const plan = planWith(
      "batches.hosts=50%",
      "timings.min_healthy_time=7s",
      'hosts["web-1.example.com"].address=10.0.0.1',
      "programs=[api, worker]",
      "hooks.before_rollout=null",
      "limits.max_failures=1",
    );
    assert.deepEqual(plan.waves[0]!.batches.sizes, [{ percent: 50 }]);
    assert.equal(plan.waves[0]!.hosts[0]!.settings.timings.min_healthy_time_ms, 7000);
    const [first] = plan.hosts;
    assert.ok(first && "ssh" in first);
    assert.deepEqual([first.address, first.ssh.port], ["10.0.0.1", 2222]);
    assert.deepEqual(plan.waves[0]!.programs, ["api", "worker"]);
    assert.deepEqual(plan.hooks, {});
    assert.equal(plan.set?.length, 6);
  });

  it("is applied in order, the last one wins", () =>
    assert.deepEqual(planWith("batches.hosts=1", "batches.hosts=2").waves[0]!.batches.sizes, [{ count: 2 }]));

  it("may narrow the rollout: hosts that no wave reaches are a warning then", () => {
    const plan = planWith("groups={web: {hosts: web-1.example.com}}", "rollout=[{group: web}]");
    assert.deepEqual(
      plan.warnings.map(({ code, path }) => [code, path]),
      [["host_in_no_wave", 'hosts["web-2.example.com"]']],
    );
  });

  it("leaves a plan without it as it is", () => assert.equal(planWith().set, undefined));

  for (const [settings, message] of [
    [["batches.hosts=two"], /^--set:1:15: batches\.hosts: must be [^]*\n {2}1 \| batches\.hosts=two\n {4}\| {15}\^/],
    [["batches.hosts=1", "batchs.hosts=2"], /^--set:2:1: batchs: unknown key [^]*did you mean "batches"\?/],
    [['hosts["web-1.example.com"].adress=x'], /^--set:1:28: hosts\["web-1\.example\.com"\]\.adress: unknown key/],
    [["batches.hosts"], /^--set:1:1: a setting is KEY=VALUE \[invalid_setting\]/],
    [["=1"], /a setting is KEY=VALUE/],
    [["batches.hosts="], /^--set:1:15: it has no value; null takes the key away/],
    [["programs[0]=x"], /^--set:1:9: a list is set as a whole/],
    [["programs=*"], /^--set:1:10: the value is not understood .*\n[^]*needs quotes/],
    [["extends=base.yaml"], /^--set:1:1: extends cannot be set/],
  ] as const)
    it(`points at its own text: ${settings.join(" ")}`, () => {
      const [error = ""] = errorsOf(...settings);
      assert.match(error, message);
    });
});
