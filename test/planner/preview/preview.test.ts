import assert from "node:assert/strict";
import type { HostName, InstanceName, RolloutId } from "../../../src/domain/ids.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { fleetOf, instance, planOf, preview, type Hosts } from "./plans.ts";

const WEB = ["web:web_00", "web:web_01", "web:web_02", "web:web_03"];

function alike(hosts: readonly string[], instances: Hosts[string] = WEB): Hosts {
  return Object.fromEntries(hosts.map((host) => [host, instances]));
}

function sectionOf(text: string, title: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(title);
  return start === -1 ? [] : lines.slice(start + 1, lines.indexOf("", start)).map((line) => line.trim());
}

describe("the preview", () => {
  it("shows waves, batches and instances in order, folded where they are alike, and how it goes", () => {
    const plan = planOf(`
programs: web
hosts: { "web-[01-05]": , job-1: }
groups:
  canary: { hosts: web-01, batches: { instances: 2 } }
  web: { hosts: "web-[02-05]", batches: { hosts: 2, instances: 1 } }
  jobs: { hosts: job-1, programs: [worker, "mail:*"] }
timings: { between_batches: 30s }
hooks: { before_restart: "/opt/lb drain {process}", after_healthy: "/opt/lb enable {process}", before_rollout: ./announce }
checks:
  - http: "http://127.0.0.1:80{number}/healthz"
rollout: [{ group: canary, pause: 5m }, { group: web, pause: ask }, { group: jobs }]
`);
    const hosts = {
      ...alike(["web-01", "web-02", "web-03", "web-04", "web-05"]),
      "job-1": ["worker", "mail:in", "mail:out"],
    };
    assert.equal(
      preview(plan, hosts),
      `prod: 23 instances on 6 hosts would be restarted; nothing was changed
before_rollout on the controller: ./announce

wave 1 of 3: canary
  each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host
    before_restart on the host: /opt/lb drain {process}
    check from the host: http://127.0.0.1:80{number}/healthz answers 200
    after_healthy on the host: /opt/lb enable {process}
  batch 1 of 1: 1 host
    web-01  web:web_[00-03] 2 at a time
  then a pause of 5m

wave 2 of 3: web
  each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host
    before_restart on the host: /opt/lb drain {process}
    check from the host: http://127.0.0.1:80{number}/healthz answers 200
    after_healthy on the host: /opt/lb enable {process}
  30s between batches
  batches 1-2 of 2: 2 hosts each
    web-[02-05]  web:web_[00-03] one at a time
  then it asks whether to continue

wave 3 of 3: jobs
  each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host
    before_restart on the host: /opt/lb drain {process}
    check from the host: http://127.0.0.1:80{number}/healthz answers 200
    after_healthy on the host: /opt/lb enable {process}
  batch 1 of 1: 1 host
    job-1  worker, then mail:in mail:out one at a time

fewest healthy at any moment, if nothing fails
  web: 18 of 20
  worker: 0 of 1
  mail: 1 of 2

It halts at the first failure.
It takes at least 8m05s, plus your answer and the time to stop and start each program.
`,
    );
  });

  it("shows the hooks around a wave and its batches, and what each hook may take and whether its failure counts", () => {
    const plan = planOf(`
programs: web
hosts: { "web-[1-2]": }
hooks:
  before_wave: "./announce {wave}"
  before_batch: { command: "./lb drain {hosts_list}", timeout: 10m }
  after_batch: "./lb enable {hosts_list}"
  before_restart: { command: /opt/lb drain, timeout: 2m, on_error: warn }
  after_healthy: /opt/lb enable
`);
    const text = preview(plan, alike(["web-1", "web-2"]));
    assert.deepEqual(text.split("\n").slice(2, 12), [
      "wave 1 of 1: all",
      "  around the wave:",
      "    before_wave on the controller: ./announce {wave} (timeout 1m)",
      "  around each batch:",
      "    before_batch on the controller: ./lb drain {hosts_list} (timeout 10m)",
      "    after_batch on the controller: ./lb enable {hosts_list} (timeout 1m)",
      "  each: restart, healthy after 5s RUNNING on one pid; 10s pause before the next on its host",
      "    before_restart on the host: /opt/lb drain (timeout 2m, on_error: warn)",
      "    after_healthy on the host: /opt/lb enable",
      "  batches 1-2 of 2: 1 host each",
    ]);
  });

  it("has a row for each kind of host in a batch", () => {
    const plan = planOf("programs: web\nhosts: { 'a-[1-3]': }\nbatches: { hosts: 3 }\n");
    const text = preview(plan, { "a-1": WEB, "a-2": ["web:web_00"], "a-3": WEB });
    assert.match(
      text,
      /batch 1 of 1: 3 hosts together\n {4}a-\[1,3\] {2}web:web_\[00-03\] one at a time\n {4}a-2 {6}web:web_00\n/,
    );
  });

  it("says of sliding waves that a free slot is filled at once, with the hosts in their order", () => {
    const plan = planOf("programs: web\nhosts: { 'a-[1-4]': }\nbatches: { hosts: 2, mode: sliding }\n");
    const text = preview(plan, { ...alike(["a-1", "a-2", "a-3", "a-4"]), "a-2": ["web:web_00"] });
    assert.match(
      text,
      / {2}4 hosts, 2 at a time, the next as soon as one is done\n {4}a-1 .*\n {4}a-2 .*\n {4}a-\[3-4\] /,
    );
  });

  it("writes out names whose order a node set would not keep", () => {
    const plan = planOf("programs: web\nhosts: { h: }\n");
    assert.match(preview(plan, { h: ["web:a1", "web:b1", "web:a2"] }), /web:a1 web:b1 web:a2 one at a time/);
  });

  it("marks what was STOPPED and will be started", () => {
    const plan = planOf("programs: web\nhosts: { h: }\nstopped: start\n");
    const text = preview(plan, { h: [instance("web:0", { state: "STOPPED" }), "web:1"] });
    assert.match(text, /^prod: 1 instance on 1 host would be restarted and 1 started;/);
    assert.match(text, /h {2}web:\[0-1\] one at a time \(start: web:0\)/);
  });

  it("names skipped instances and those that are already broken, folded", () => {
    const plan = planOf("programs: web\nhosts: { 'h-[1-3]': }\n");
    const broken = [instance("web:0", { state: "STOPPED" }), instance("web:1", { state: "FATAL" }), "web:2"];
    const text = preview(plan, alike(["h-1", "h-2", "h-3"], broken));
    assert.deepEqual(sectionOf(text, "skipped"), ["h-[1-3] web:0: it was STOPPED before the rollout"]);
    assert.match(sectionOf(text, "warnings").join("\n"), /^h-\[1-3\] web:1: it is FATAL already/);
    assert.deepEqual(sectionOf(text, "fewest healthy at any moment, if nothing fails"), ["web: 2 of 6, now 3"]);
  });

  it("warns of instances that may be flapping", () => {
    const plan = planOf("programs: web\nhosts: { h: }\n");
    const text = preview(plan, { h: [instance("web:0", { uptime_s: 3 }), "web:1"] });
    assert.deepEqual(sectionOf(text, "warnings"), [
      "h web:0: it has been running for less than 10s: it may be crash-looping",
    ]);
  });

  it("does not call a worker crash-looping or broken that may exit and, by supervisord's log, exits by design", () => {
    const warned = (
      end: "expected" | "unexpected",
      key: string,
      seen: Parameters<typeof instance>[1] = { uptime_s: 3 },
    ) => {
      const plan = planOf(`programs: worker\n${key}hosts: { h: }\n`);
      const report = fleetOf({ h: [instance("worker", seen)] }).get("h" as HostName);
      assert.ok(report && "instances" in report);
      const processes = [{ pid: 1, end }, { pid: 2 }];
      const histories = new Map([["worker" as InstanceName, { kind: "read", processes } as const]]);
      const fleet = new Map([[report.host, { ...report, histories }]]);
      const built = buildRollout(plan, fleet, { id: "20261123T000000Z-0000" as RolloutId });
      assert.ok(built.kind === "planned");
      return built.rollout.warnings.length;
    };
    assert.equal(warned("expected", "on_expected_exit: accept\n"), 0);
    assert.equal(warned("unexpected", "on_expected_exit: accept\n"), 1);
    assert.equal(warned("expected", ""), 1);
    const accept = "on_expected_exit: accept\n";
    assert.equal(warned("expected", accept, { state: "STARTING" }), 0);
    assert.equal(warned("unexpected", accept, { state: "STARTING" }), 1);
    assert.equal(warned("expected", accept, { state: "FATAL" }), 1);
  });

  it("warns of hosts that share an address", () => {
    const plan = planOf(
      "programs: web\nhosts:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.1, ssh: { port: 2222 } }\n  c:\n",
    );
    assert.deepEqual(sectionOf(preview(plan, alike(["a", "b", "c"])), "warnings"), [
      "a b share the address 10.0.0.1: batches of hosts count them as 2",
    ]);
  });

  it("compares the lowest with the floor, and warns of one that holds restarts up or stops them", () => {
    const warned = (minHealthy: number, hosts: Hosts) => {
      const plan = planOf(
        `programs: web\nhosts: { 'h-[1-2]': }\nbatches: { hosts: 2 }\nlimits: { min_healthy: ${minHealthy} }\n`,
      );
      const text = preview(plan, hosts);
      return [sectionOf(text, "fewest healthy at any moment, if nothing fails"), sectionOf(text, "warnings")].flat();
    };
    assert.deepEqual(warned(6, alike(["h-1", "h-2"])), ["web: 6 of 8 (min_healthy: 6)"]);
    assert.deepEqual(warned(7, alike(["h-1", "h-2"])), [
      "web: 7 of 8 (min_healthy: 7)",
      "min_healthy keeps 7 of 8 web healthy: 1 may be down at once, not the 2 of the batch sizes, so restarts will wait for each other",
    ]);
    const broken = { "h-1": WEB, "h-2": [instance("web:web_00", { state: "FATAL" }), "web:web_01"] };
    assert.match(warned(5, broken).join("\n"), /\(min_healthy: 5\)\n[^]*only 5 are healthy now: it will wait for more/);
  });

  it("names the hosts that are left out because they cannot be reached", () => {
    const plan = planOf("programs: web\nhosts: { 'h-[1-3]': }\nlimits: { max_unreachable: 2 }\n");
    const gone = { code: "unreachable", reason: "connect ETIMEDOUT" } as const;
    const text = preview(plan, { "h-1": WEB, "h-2": gone, "h-3": gone });
    assert.match(sectionOf(text, "warnings").join("\n"), /^h-\[2-3\]: it is left out, .*connect ETIMEDOUT$/);
    assert.match(text, /It continues after 2 unreachable hosts; one more halts it\./);
  });

  it("has nothing to do when everything is skipped", () => {
    const plan = planOf("programs: web\nhosts: { h: }\n");
    assert.equal(
      preview(plan, { h: [instance("web:0", { state: "STOPPED" })] }),
      "prod: nothing to do: 1 instance skipped\n\nskipped\n  h web:0: it was STOPPED before the rollout\n",
    );
  });

  it("never lets a host's control characters reach the terminal", () => {
    const plan = planOf('programs: "web:x"\nhosts: { h: }\n');
    const evil = "\u001b[2J\u202e";
    const hosts = { h: [`web:${evil}`, instance("web:x", { state: "FATAL", description: `${evil}\nline` })] };
    const text = preview(plan, hosts);
    assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}]/u);
    assert.ok(text.includes(String.raw`\x1b[2J\u202e`));
  });
});
