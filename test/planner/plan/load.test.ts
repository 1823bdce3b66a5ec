import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import { loadPlan, parsePlan } from "../../../src/planner/plan/load.ts";

function complaints(file: string): string {
  const loaded = loadPlan(file, {});
  return loaded.ok ? "" : loaded.diagnostics.map(formatDiagnostic).join("\n");
}

describe("a plan's file", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "plans-"));
    mkdirSync(join(folder, "folder.yaml"));
    writeFileSync(join(folder, "prod.yaml"), "programs: x\nhosts:\n  a: { ssh: { identity_file: keys/id } }\n");
  });
  after(() => rmSync(folder, { recursive: true }));

  it("that is not there is reported, with a file of nearly its name", () => {
    assert.equal(
      complaints(join(folder, "prud.yaml")),
      `${folder}/prud.yaml: there is no such file [file_not_found]\n  did you mean "${folder}/prod.yaml"?`,
    );
    assert.equal(
      complaints(join(folder, "nothing-like-it.yaml")),
      `${folder}/nothing-like-it.yaml: there is no such file [file_not_found]`,
    );
    assert.equal(
      complaints(join(folder, "no", "folder.yaml")),
      `${folder}/no/folder.yaml: there is no such file [file_not_found]`,
    );
  });

  it("that is no file is reported", () => {
    assert.equal(
      complaints(join(folder, "folder.yaml")),
      `${folder}/folder.yaml: this is a directory, not a plan [file_unreadable]`,
    );
    assert.match(complaints(join(folder, "prod.yaml", "x")), /a part of this path is a file/);
    assert.match(complaints("a\0b"), /cannot be read/);
  });

  it("is named as given, and paths in it are relative to its directory", () => {
    const given = relative(process.cwd(), join(folder, "prod.yaml"));
    const loaded = loadPlan(given, {});
    assert.ok(loaded.ok);
    assert.equal(loaded.plan.name, "prod");
    assert.equal(loaded.plan.file, join(folder, "prod.yaml"));
    assert.equal(loaded.plan.hosts[0]?.ssh.identity_file, join(folder, "keys/id"));
    writeFileSync(join(folder, "wrong.yaml"), "programs: x\n");
    assert.ok(
      complaints(relative(process.cwd(), join(folder, "wrong.yaml"))).startsWith(
        `${relative(process.cwd(), folder)}/wrong.yaml:1:1: `,
      ),
    );
  });
});

describe("a plan's text", () => {
  it("finds ~ by HOME, and without it by the user's entry", () => {
    const text = "programs: x\nhosts: { a: }\nssh: { identity_file: ~/.ssh/id, known_hosts_file: ~/k }\n";
    for (const [env, home] of [
      [{ HOME: "/home/deploy" }, "/home/deploy"],
      [{}, homedir()],
      [{ HOME: "" }, homedir()],
    ] as const) {
      const loaded = parsePlan(text, "plan.yaml", env);
      assert.ok(loaded.ok);
      const { identity_file, known_hosts_file } = loaded.plan.hosts[0]?.ssh ?? {};
      assert.deepEqual([identity_file, known_hosts_file], [join(home, ".ssh/id"), join(home, "k")]);
    }
  });

  it("takes its name from the file, whatever that ends in", () => {
    for (const [file, name] of [
      ["/a/prod.yaml", "prod"],
      ["prod.yml", "prod"],
      ["web.prod.json", "web.prod"],
      ["prod", "prod"],
    ] as const) {
      const loaded = parsePlan("programs: x\nhosts: { a: }\n", file, {});
      assert.ok(loaded.ok);
      assert.equal(loaded.plan.name, name, basename(file));
    }
  });

  it("nested without end is reported, and at once", () => {
    for (const deep of [
      "[".repeat(50_000),
      `${"{a: ".repeat(5_000)}${"}".repeat(5_000)}`,
      "- ".repeat(20_000),
      Array.from({ length: 3000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
    ]) {
      const loaded = parsePlan(deep, "plan.yaml", {});
      assert.ok(!loaded.ok);
      assert.match(
        loaded.diagnostics.map(formatDiagnostic).join("\n"),
        /^plan.yaml:\d+:\d+: lists or maps are nested too deeply for a plan \[yaml_too_deep\]\n[^\n]+\n[^\n]+$/,
      );
    }
  });
});

describe("a large plan", () => {
  const settings = "ssh: { user: deploy, port: 2222 }";

  it("of 2,000 hosts, each with settings, and 200 groups is read", () => {
    const hosts = Array.from(
      { length: 2000 },
      (_, index) => `  web-${index}.example.com: { address: 10.0.${index >> 8}.${index & 255}, ${settings} }`,
    );
    const groups = Array.from(
      { length: 200 },
      (_, index) => `  g${index}: { hosts: "web-[${index * 10}-${index * 10 + 9}].example.com", ${settings} }`,
    );
    const loaded = guarded(() =>
      parsePlan(["programs: x", "hosts:", ...hosts, "groups:", ...groups].join("\n"), "plan.yaml", {}),
    );
    assert.ok(loaded.ok);
    assert.equal(loaded.plan.hosts.length, 2000);
    assert.equal(loaded.plan.waves.length, 200);
  });

  it("of 2,000 hosts that share their settings by alias is no alias bomb", () => {
    const hosts = Array.from({ length: 2000 }, (_, index) => `  web-${index}: { <<: *all }`);
    const loaded = guarded(() =>
      parsePlan([`programs: x`, "hosts:", `  first: &all { ${settings} }`, ...hosts].join("\n"), "plan.yaml", {}),
    );
    assert.ok(loaded.ok);
    assert.equal(loaded.plan.hosts.at(-1)?.ssh.port, 2222);
  });

  it("of 10,000 hosts in one node set is read", () => {
    const groups = 'groups:\n  all: { hosts: "*", ssh: { user: x } }\n  half: { hosts: "web-0[0001-5000]" }\n';
    const loaded = guarded(() =>
      parsePlan(`programs: x\nhosts:\n  web-[00001-10000]: { ${settings} }\n${groups}`, "plan.yaml", {}),
    );
    assert.ok(loaded.ok);
    assert.equal(loaded.plan.hosts.length, 10_000);
    assert.equal(loaded.plan.groups.get("half")?.length, 5_000);
  });

  it("of 10,000 hosts shares one object of settings among those without their own", () => {
    const text = [
      "programs: x",
      "hosts: { 'web-[00001-10000]': , db-1: { vars: { port: 1 } } }",
      "vars: { port: 80 }",
      'checks: [{ http: "http://{address}:{vars.port}/" }]',
      "hooks: { before_restart: 'drain {process}' }",
    ].join("\n");
    const loaded = guarded(() => parsePlan(text, "plan.yaml", {}));
    assert.ok(loaded.ok);
    const hosts = loaded.plan.waves[0]?.hosts ?? [];
    assert.equal(hosts.length, 10_001);
    assert.equal(new Set(hosts.map(({ settings }) => settings)).size, 2);
  });

  it("of 2,000 hosts, each with checks, hooks and words of its own, is read", () => {
    const hosts = Array.from({ length: 2000 }, (_, index) => {
      const own = `vars: { port: ${index} }, checks: [{ tcp: "{address}:{vars.port}" }], hooks: { after_host: "x {host}" }`;
      return `  web-${index}: { ${own}, timings: { between_checks: "\${A:-1s}" } }`;
    });
    const loaded = guarded(() => parsePlan(["programs: x", "hosts:", ...hosts].join("\n"), "p.yaml", {}));
    assert.ok(loaded.ok);
    assert.equal(loaded.plan.waves[0]?.hosts.at(-1)?.settings.vars["port"], "1999");
  });

  it("in which each of 2,000 hosts is wrong is reported", () => {
    const hosts = Array.from(
      { length: 2000 },
      (_, index) => `  web-${index}.example.com: { adress: x, ssh: { port: none } }`,
    );
    const patterns = Array.from({ length: 2000 }, (_, index) => `wbe-${index}.example.com`);
    const loaded = guarded(() =>
      parsePlan(
        ["programs: x", "hosts:", ...hosts, `groups: { a: { hosts: [${patterns.join(", ")}] } }`].join("\n"),
        "plan.yaml",
        {},
      ),
    );
    assert.ok(!loaded.ok);
    assert.equal(loaded.diagnostics.length, 6000);
  });
});

/** Some twenty times what it takes: only work that grows with the square of a plan gets there. */
const FAR_TOO_LONG_MS = 20_000;

/** In processor time, which other tests' load does not change as much. How long it takes is for the benchmark to say. */
function guarded<Result>(work: () => Result): Result {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < FAR_TOO_LONG_MS, `took ${(user + system) / 1000} ms`);
  return result;
}
