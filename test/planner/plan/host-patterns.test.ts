import assert from "node:assert/strict";
import fc from "fast-check";
import type { HostName } from "../../../src/domain/ids.ts";
import { groupReference, selectHosts, type Selectable } from "../../../src/planner/plan/host-patterns.ts";

const hosts = [
  "web-01.example.com",
  "web-02.example.com",
  "web-03.example.com",
  "db",
  "Mail.example.com",
] as HostName[];
const all: Selectable = {
  hosts: new Set(hosts),
  groups: new Map<string, HostName[] | undefined>([
    ["web", hosts.slice(0, 3)],
    ["canary", [hosts[1] as HostName]],
    ["broken", undefined],
  ]),
};

function select(...patterns: string[]): readonly string[] {
  const { hosts: selected, problems, complete } = selectHosts(patterns, all);
  assert.deepEqual(problems, []);
  assert.ok(complete);
  return selected.map((host) => host.replace(".example.com", ""));
}

function problemOf(...patterns: string[]): string {
  const { problems, complete } = selectHosts(patterns, all);
  assert.equal(problems.length, 1);
  assert.ok(!complete);
  return problems
    .map(({ message, suggestion }) => (suggestion === undefined ? message : `${message}; ${suggestion}`))
    .join("\n");
}

describe("patterns of hosts", () => {
  it("are names, node sets, globs and groups, in the order as written", () => {
    assert.deepEqual(select("db", "web-01.example.com"), ["db", "web-01"]);
    assert.deepEqual(select("web-[03,01].example.com"), ["web-03", "web-01"]);
    assert.deepEqual(select("*.example.com"), ["web-01", "web-02", "web-03", "Mail"]);
    assert.deepEqual(select("web-0?.*"), ["web-01", "web-02", "web-03"]);
    assert.deepEqual(select("{db,Mail*}"), ["db", "Mail"]);
    assert.deepEqual(select("web-[02-03]*"), ["web-02", "web-03"]);
    assert.deepEqual(select("@canary", "@web"), ["web-02", "web-01", "web-03"]);
    assert.deepEqual(select("*"), ["web-01", "web-02", "web-03", "db", "Mail"]);
  });

  it("name a host once, at its first place", () => {
    assert.deepEqual(select("web-02.example.com", "*", "@web"), ["web-02", "web-01", "web-03", "db", "Mail"]);
  });

  it("exclude from what came before", () => {
    assert.deepEqual(select("*", "!@web"), ["db", "Mail"]);
    assert.deepEqual(select("@web", "!web-[01-02].example.com"), ["web-03"]);
    assert.deepEqual(select("@web", "!*", "db"), ["db"]);
    assert.deepEqual(select("@web", "!@canary", "@canary"), ["web-01", "web-03", "web-02"]);
  });

  it("must match something", () => {
    assert.equal(
      problemOf("web-04.example.com"),
      'no host is called "web-04.example.com"; did you mean "web-01.example.com"?',
    );
    assert.equal(
      problemOf("web-1.example.com"),
      'no host is called "web-1.example.com"; did you mean "web-01.example.com"?',
    );
    assert.equal(
      problemOf("mail.example.com"),
      'no host is called "mail.example.com"; did you mean "Mail.example.com"?',
    );
    assert.equal(problemOf("web-[02-09].example.com"), 'no host is called "web-[04-09].example.com"');
    assert.equal(problemOf("web"), 'no host is called "web"; did you mean the group, "@web"?');
    assert.equal(problemOf("db, web"), 'no host is called "db, web"; several patterns are a list, or given one by one');
    assert.equal(problemOf("mail-*"), 'no host of the plan matches "mail-*"');
    assert.equal(problemOf("@wbe"), 'no group is called "wbe"; did you mean "@web"?');
    assert.equal(problemOf("@all"), 'no group is called "all"; for every host write "*"');
    assert.equal(problemOf("@"), 'no group is called ""');
    assert.equal(problemOf("web-[3-1]"), "[3-1] counts backwards: 1 is before 3");
    assert.equal(problemOf("web-[1-2000]*"), '"web-[1-2000]*" stands for more than 1000 globs');
    assert.equal(problemOf("*", "!web-9"), 'no host is called "web-9"');
    assert.equal(
      problemOf("!db", "*"),
      '"!db" excludes nothing: it only applies to the patterns before it; put it after the pattern that it is an exception to',
    );
    assert.equal(problemOf(""), 'no host is called ""');
  });

  it("may exclude hosts that are already excluded: a shared group must fit each environment", () => {
    assert.deepEqual(select("*", "!@web", "!@canary"), ["db", "Mail"]);
    assert.deepEqual(select("db", "!@canary"), ["db"]);
  });

  it("warn of an exclusion that matches no host, since it may be meant for another environment", () => {
    const { hosts: selected, problems, warnings, complete } = selectHosts(["db", "!mail-*"], all);
    assert.deepEqual({ selected, problems, complete }, { selected: ["db"], problems: [], complete: true });
    const message = '"!mail-*" excludes nothing: no host of the plan matches it';
    assert.deepEqual(warnings, [{ code: "exclusion_matches_nothing", index: 1, message }]);
  });

  it("are in error where an exclusion stands before all that it could except from", () => {
    assert.match(problemOf("db", "!web-01.example.com", "@web"), /^"!web-01.example.com" excludes nothing/);
    assert.match(problemOf("!db"), /^"!db" excludes nothing/);
    assert.deepEqual(select("@web", "!web-01.example.com", "@canary", "*"), [
      "web-02",
      "web-03",
      "web-01",
      "db",
      "Mail",
    ]);
  });

  it("report each one that is in error", () => {
    const { problems, hosts: selected } = selectHosts(["web-9", "db", "@nobody"], all);
    assert.deepEqual(
      problems.map(({ index }) => index),
      [0, 2],
    );
    assert.deepEqual(selected, ["db"]);
  });

  it("conclude nothing from a group that could not be read", () => {
    assert.deepEqual(selectHosts(["@broken", "!db"], all), {
      hosts: [],
      problems: [],
      warnings: [],
      complete: false,
    });
  });

  it("conclude nothing from a host that is missing when not all hosts are known", () => {
    assert.deepEqual(selectHosts(["web-9", "mail-*"], { ...all, hostsAreMissing: true }), {
      hosts: [],
      problems: [],
      warnings: [],
      complete: false,
    });
  });

  it("refer to groups", () => {
    assert.equal(groupReference("@web"), "web");
    assert.equal(groupReference("!@web"), "web");
    assert.equal(groupReference("web"), undefined);
    assert.equal(groupReference("!web"), undefined);
  });

  it("select hosts of the plan only, each once, whatever they are", () => {
    const pattern = fc.oneof(
      fc.constantFrom(
        ...hosts,
        "*",
        "@web",
        "!@canary",
        "!db",
        "web-[01-03]*",
        "{",
        "(",
        "\\",
        "[",
        "**",
        "+(a)",
        "{1..3}",
      ),
      fc.string({
        unit: fc.constantFrom(
          "w",
          "*",
          "?",
          "{",
          "}",
          ",",
          "!",
          "@",
          "[",
          "]",
          "1",
          "-",
          "(",
          ")",
          "|",
          "\\",
          "/",
          ".",
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), (patterns) => {
        const { hosts: selected } = selectHosts(patterns, all);
        assert.equal(new Set(selected).size, selected.length);
        for (const host of selected) assert.ok(all.hosts.has(host));
      }),
      { numRuns: 2000 },
    );
  });
});
