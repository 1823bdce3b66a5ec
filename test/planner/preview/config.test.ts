import assert from "node:assert/strict";
import type { ConfigFile, FleetReport, InstanceConfig, RereadOutcome } from "../../../src/domain/fleet.ts";
import type { HostName, InstanceName, ProgramName, RolloutId } from "../../../src/domain/ids.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import { previewText } from "../../../src/planner/preview/preview.ts";
import { planOf } from "./plans.ts";

const DEFAULTS: InstanceConfig = { startsecs: 1, startretries: 3, stopwaitsecs: 10 };

interface Known {
  readonly configs?: Readonly<Record<string, Partial<InstanceConfig>>>;
  readonly files?: readonly ConfigFile[];
  readonly supervisor_age_s?: number;
  readonly never_ended?: ReadonlySet<InstanceName>;
  readonly differing?: ReadonlyMap<InstanceName, string>;
  /** Further instances, and how long they have been up. */
  readonly others?: Readonly<Record<string, number>>;
  readonly reread?: RereadOutcome;
}

/** The preview of `web:0` and `web:1`, up for a minute on hosts a and b, where this is known of Supervisor's configuration. */
function previewOf(known: Readonly<Record<string, Known>>, settings = ""): string {
  const plan = planOf(`programs: web\nhosts: { ${Object.keys(known).join(": , ")}: }\n${settings}`);
  const fleet: FleetReport = new Map(
    Object.entries(known).map(([name, { configs = {}, files = [], others = {}, reread, ...more }]) => {
      const host = name as HostName;
      const uptimes = Object.entries({ "web:0": 60, "web:1": 60, ...others });
      const instances = uptimes.map(([instance, uptime_s], index) => {
        return { instance: instance as InstanceName, state: "RUNNING", pid: index + 1, uptime_s } as const;
      });
      const told = Object.entries(configs).map(([instance, config]) => {
        return [instance as InstanceName, { ...DEFAULTS, ...config }] as const;
      });
      const config = { instances: new Map(told), files, ...more };
      return [host, { host, instances, config, ...(reread && { reread }) }];
    }),
  );
  const built = buildRollout(plan, fleet, { id: "20261123T000000Z-0000" as RolloutId });
  assert.ok(built.kind === "planned");
  return previewText(built.rollout, fleet);
}

function file(age_s: number, ...programs: string[]): ConfigFile {
  return { path: "/etc/supervisor/conf.d/web.conf", age_s, programs: programs as ProgramName[] };
}

describe("what the preview makes of Supervisor's own configuration", () => {
  it("adds startsecs to the least duration where they are known of everything, the shortest of each program", () => {
    const text = previewOf({ a: { configs: { "web:0": { startsecs: 10 }, "web:1": { startsecs: 12 } } } });
    // 2 x (5 s of proof + 10 s of startsecs) + a rest of 10 s
    assert.match(text, /It takes at least 40s, plus the time to stop each program\.\n$/);
  });

  it("leaves it at the plan's own times where some are not known", () => {
    const text = previewOf({ a: { configs: { "web:0": { startsecs: 10 } } } });
    assert.match(text, /It takes at least 20s, plus the time to stop and start each program\.\n$/);
  });

  it("warns of startsecs of 0, hosts that are alike on one line", () => {
    const configs = { "web:0": { startsecs: 0 }, "web:1": {} };
    assert.match(
      previewOf({ a: { configs }, b: { configs } }),
      /^ {2}a b web:0: its startsecs is 0, so Supervisor calls it RUNNING at once: only min_healthy_time \(5s\) and checks prove it$/m,
    );
  });

  it("warns of a start that cannot be in time, and of a stop that may not be, and of neither where it fits", () => {
    const configs = { "web:0": { startsecs: 116 }, "web:1": { stopwaitsecs: 300 } };
    const text = previewOf({ a: { configs } });
    assert.match(
      text,
      /^ {2}a web:0: its startsecs \(116s\) and .* healthy_deadline \(2m\): it cannot become healthy in time; set timings\.healthy_deadline: 8m55s$/m,
    );
    assert.match(
      text,
      /^ {2}a web:1: Supervisor may take 300s to stop it .* stop_deadline is 5m: .*; set timings\.stop_deadline: 6m$/m,
    );
    const wider = previewOf({ a: { configs } }, "timings: { healthy_deadline: 8m55s, stop_deadline: 6m }\n");
    assert.doesNotMatch(wider, /warnings/);
  });

  it("warns of a healthy_deadline within which Supervisor's own retries may still succeed, and proposes one that it fits", () => {
    const configs = { "web:0": { startsecs: 10, startretries: 3 }, "web:1": { startretries: 999_999 } };
    const text = previewOf({ a: { configs } }, "timings: { healthy_deadline: 50s }\n");
    // 1 + 2 + 3 s of pauses, 4 starts of 10 s, 5 s of proof.
    assert.match(
      text,
      /a web:0: Supervisor retries a failed start 3 times \(startretries\), for up to 46s; .* healthy_deadline \(50s\): .*; to wait for it, set timings\.healthy_deadline: 1m51s$/m,
    );
    assert.match(text, /a web:1: Supervisor retries a failed start 999999 times .* counts as a failure$/m);
    assert.doesNotMatch(
      previewOf({ a: { configs: { "web:0": configs["web:0"] } } }, "timings: { healthy_deadline: 51s }\n"),
      /warnings/,
    );
  });

  it("goes by what reread has found, where that was asked, and not by the age of a file", () => {
    const reread = (change?: "changed") => ({
      kind: "read" as const,
      groups: new Map(change ? [["web" as ProgramName, change]] : []),
      instances: [],
    });
    assert.doesNotMatch(previewOf({ a: { files: [file(59, "web")], reread: reread() } }), /warnings/);
    assert.match(
      previewOf({ a: { files: [file(3600, "web")], reread: reread("changed") } }),
      /^ {2}a: \S+ \(web\) differs from what supervisord has loaded, and a restart does not load it/m,
    );
  });

  it("warns of a config that was written since, and of no other", () => {
    assert.match(
      previewOf({ a: { files: [file(59, "web")] } }),
      /^ {2}a: \/etc\/supervisor\/conf\.d\/web\.conf \(web\) was changed after it was started, and a restart does not load it: set config_changes: apply/m,
    );
    for (const other of [file(60, "web"), file(5, "mail")])
      assert.doesNotMatch(previewOf({ a: { files: [other] } }), /warnings/);
  });

  it("still warns of it once a restart has made every process younger than the file, for as long as supervisord is older", () => {
    const files = [file(3600, "web")];
    assert.match(
      previewOf({ a: { files, supervisor_age_s: 7200 } }),
      /^ {2}a: \S+ \(web\) was changed after supervisord was started, and a restart does not load it, unless an update has .* by time/m,
    );
    assert.doesNotMatch(previewOf({ a: { files, supervisor_age_s: 3600 } }), /warnings/);
    // Another program of the host is older than the file: so is supervisord.
    assert.match(previewOf({ a: { files, others: { "mail:0": 3601 } } }), /was changed after supervisord was started/);
  });

  it("does not warn of it once an update has loaded it, where Supervisor shows that no process has ended since", () => {
    const loaded = {
      files: [file(3600, "web")],
      supervisor_age_s: 7200,
      never_ended: new Set(["web:1" as InstanceName]),
    };
    assert.doesNotMatch(previewOf({ a: loaded }), /warnings/);
  });

  it("says in what a file differs from what supervisord has loaded, whatever its age", () => {
    const differing = new Map([["web:0" as InstanceName, "startsecs is 10 there, and 1 in supervisord"]]);
    assert.match(
      previewOf({ a: { files: [file(9000, "web")], differing } }),
      /web\.conf \(web\) differs from what supervisord has loaded \(startsecs is 10 there, and 1 in supervisord\), and a restart does not load it: /,
    );
  });

  it("names a file once for each host, however many programs, waves and instances it is about", () => {
    const files = [file(59, "web", "mail")];
    const groups =
      "groups: { one: { hosts: a, programs: web }, two: { hosts: a, programs: mail } }\nrollout: [{ group: one }, { group: two }]\n";
    const text = previewOf({ a: { files, others: { "mail:0": 3600 } } }, groups);
    assert.equal(text.match(/web\.conf/g)?.length, 1, text);
    assert.match(text, /web\.conf \(web, mail\) was changed/);
  });
});
