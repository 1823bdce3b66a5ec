import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expandEnvironment } from "../../src/domain/environment.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import { fill, hookEnvironment, placeholderValues, waveValues, type Quoting } from "../../src/domain/placeholders.ts";

const host = { host: "web-1" as HostName, address: "10.0.0.1", vars: { zone: "b", odd: `it's "$(x)" \`y\` \\ #` } };
const values = placeholderValues(host, "web:web_07" as InstanceName);

function filled(template: string, quoting: Quoting = "shell", env: Record<string, string> = {}): string {
  const result = fill(template, values, env, quoting);
  return "text" in result ? result.text : `missing ${result.missing}`;
}

describe("placeholders", () => {
  it("stand for what is known of an instance", () => {
    const template = "{host} {address} {program} {instance} {process} {number} {vars.zone}";
    assert.equal(filled(template), "web-1 10.0.0.1 web web:web_07 web_07 07 b");
  });

  it("are one word for the shell, whatever is in them", () => {
    assert.equal(filled("drain {vars.odd}"), `drain 'it'\\''s "$(x)" \`y\` \\ #'`);
    assert.equal(filled("--name={instance}/x"), "--name=web:web_07/x");
  });

  it("of several hosts are one word for each in their list, and not in an environment that would be too large", () => {
    const hosts = ["web-1", "web-2"] as HostName[];
    const few = { vars: {}, ...waveValues("a shop", hosts) };
    assert.deepEqual(fill("{wave} {hosts} {hosts_list}", few, {}, "shell"), {
      text: "'a shop' 'web-[1-2]' web-1 web-2",
    });
    assert.deepEqual(hookEnvironment(few), {
      ORCHESTRATE_WAVE: "a shop",
      ORCHESTRATE_HOSTS: "web-[1-2]",
      ORCHESTRATE_HOSTS_LIST: "web-1 web-2",
    });
    const many = Array.from({ length: 10_000 }, (_, index) => `web-${index}.example.com` as HostName);
    const known = hookEnvironment({ vars: {}, ...waveValues("shop", many) });
    assert.deepEqual(known, { ORCHESTRATE_WAVE: "shop", ORCHESTRATE_HOSTS: "web-[0-9999].example.com" });
  });

  it("are encoded in a URL", () => {
    assert.equal(
      filled("http://{address}:80{number}/?q={vars.odd}", "url"),
      `http://10.0.0.1:8007/?q=it's%20%22%24(x)%22%20%60y%60%20%5C%20%23`,
    );
    const v6 = (template: string) => fill(template, { vars: {}, address: "fe80::1" }, {}, "url");
    assert.deepEqual(v6("http://[{address}]:80/"), { text: "http://[fe80::1]:80/" });
    assert.deepEqual(v6("https://{address}:80/?{address}"), { text: "https://[fe80::1]:80/?fe80::1" });
    assert.deepEqual(v6("{address}:80"), { text: "[fe80::1]:80" });
  });

  it("without a value are named", () => {
    assert.equal(filled("{reason}"), "missing {reason}");
    assert.equal(filled("{vars.nobody}"), "missing {vars.nobody}");
    assert.equal(filled("{vars.toString}"), "missing {vars.toString}");
    const cat = placeholderValues(host, "cat" as InstanceName);
    assert.deepEqual(fill("{number}", cat, {}, "url"), { missing: "{number}" });
  });

  it("leave other braces alone", () => {
    for (const text of ["{a,b}", "{}", "{ echo; }", '{"a": 1}', "{1..3}", "{{.State.Running}}", "{{ x }}", "{"])
      assert.equal(filled(text), text);
    assert.equal(filled("{{host}} {{vars.zone}}"), "{host} {vars.zone}");
  });

  it("are in a hook's environment too", () => {
    const env = hookEnvironment({ ...values, reason: "it is FATAL", vars: { zone: "b" } });
    assert.equal(env["ORCHESTRATE_HOST"], "web-1");
    assert.equal(env["ORCHESTRATE_INSTANCE"], "web:web_07");
    assert.equal(env["ORCHESTRATE_REASON"], "it is FATAL");
    assert.equal(env["ORCHESTRATE_VARS_zone"], "b");
    assert.ok(!("ORCHESTRATE_REASON" in hookEnvironment(values)));
  });
});

describe("references to the environment", () => {
  it("stand for variables, a default for one that is empty or not set", () => {
    const env = { A: "a", EMPTY: "" };
    assert.equal(expandEnvironment("${A} ${B:-b} ${EMPTY:-e} <${EMPTY}> $A $${A} $$", env), "a b e <> $A ${A} $$");
    assert.equal(expandEnvironment("${B}", env), undefined);
    assert.equal(expandEnvironment("${}", env), undefined);
    assert.equal(expandEnvironment("${toString}", env), undefined);
  });

  it("are not looked for in what they stand for", () => {
    assert.equal(expandEnvironment("${A}", { A: "${B} {host}" }), "${B} {host}");
    assert.equal(filled("${A}", "url", { A: "${B} {host}" }), "${B} {host}");
  });

  it("are data for the shell, within the quotes around them", () => {
    const env = { T: `a'b"c$d` };
    assert.equal(filled("x ${T}", "shell", env), `x 'a'\\''b"c$d'`);
    assert.equal(filled(`x '\${T}'`, "shell", env), `x 'a'\\''b"c$d'`);
    assert.equal(filled(`x "\${T}"`, "shell", env), `x "a'b\\"c\\$d"`);
    assert.equal(filled("${B}", "shell", env), "missing ${B}");
  });

  it("and placeholders come out of a real shell as they went in", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "'", '"', "$", "`", "\\", " ", "\n", "#", "*", "~", "!", "{", "}", "é", "(", ";"),
    });
    fc.assert(
      fc.property(text, text, (one, two) => {
        const template = `printf '%s\\0' {vars.one} "\${TWO}" '\${TWO}' \${TWO} x{vars.one}y`;
        const result = fill(template, { vars: { one } }, { TWO: two }, "shell");
        assert.ok("text" in result);
        const { stdout } = spawnSync("sh", ["-c", result.text], { encoding: "utf8" });
        assert.deepEqual(stdout.split("\0"), [one, two, two, two, `x${one}y`, ""]);
      }),
      { numRuns: 200 },
    );
  });

  it("are data in command substitutions too, where quotes begin afresh", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "'", '"', "$", "`", "\\", " ", "(", ")", "#", ";", "é") });
    fc.assert(
      fc.property(text, text, (one, two) => {
        const template = `printf '<%s>' "$(printf '<%s>' {vars.one} "(\${TWO})" "$(printf '<%s>' \${TWO} '(')")" "$((1 + (1))) \${TWO}"`;
        const result = fill(template, { vars: { one } }, { TWO: two }, "shell");
        assert.ok("text" in result);
        const { stdout } = spawnSync("sh", ["-c", result.text], { encoding: "utf8" });
        assert.equal(stdout, `<<${one}><(${two})><<${two}><(>>><2 ${two}>`);
      }),
      { numRuns: 200 },
    );
  });

  it("stay within double quotes behind what only looks like a command substitution", () => {
    for (const start of ["\\$(", "$$(", "$ ("]) {
      const result = fill(`printf %s "${start}\${T}"`, { vars: {} }, { T: "'$(echo no)'" }, "shell");
      assert.ok("text" in result);
      assert.ok(spawnSync("sh", ["-c", result.text], { encoding: "utf8" }).stdout.endsWith("('$(echo no)'"), start);
    }
  });
});
