import assert from "node:assert/strict";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import { parsePlan } from "../../../src/planner/plan/load.ts";

function hostsOf(text: string) {
  const loaded = parsePlan(`programs: web\n${text}`, "plan.yaml", {});
  assert.ok(loaded.ok, loaded.ok ? "" : loaded.diagnostics.map(formatDiagnostic).join("\n"));
  return loaded.plan.hosts.map(({ address, ssh: { user }, supervisor }) => ({ address, user, ...supervisor }));
}

function errorsOf(text: string): string[] {
  const loaded = parsePlan(`programs: web\n${text}`, "plan.yaml", {});
  assert.ok(!loaded.ok, "the plan is in order");
  return loaded.diagnostics.map(
    ({ path, message, code, suggestion = "" }) => `${path}: ${message} [${code}] ${suggestion}`,
  );
}

describe("placeholders on the way onto a host", () => {
  it("are filled in with the host's name, its address and its variables", () => {
    const text = `
hosts:
  "web-[1-2]": { address: "{host}.{vars.zone}.example.com" }
  db: { vars: { zone: south } }
vars: { zone: north, app: shop }
ssh: { user: "deploy-{vars.zone}" }
supervisor:
  command: /opt/{vars.app}/bin/supervisorctl
  config: /etc/{host}/{vars.app}.conf
  server_url: "http://{address}:9001"
`;
    const common = { command: "/opt/shop/bin/supervisorctl", sudo: false };
    assert.deepEqual(hostsOf(text), [
      ...["web-1", "web-2"].map((host) => ({
        ...common,
        address: `${host}.north.example.com`,
        user: "deploy-north",
        config: `/etc/${host}/shop.conf`,
        server_url: `http://${host}.north.example.com:9001`,
      })),
      { ...common, address: "db", user: "deploy-south", config: "/etc/db/shop.conf", server_url: "http://db:9001" },
    ]);
  });

  it("know the variables of the host's groups, in whatever wave", () => {
    const text = `
hosts: { a: , b: }
groups:
  north: { hosts: a, vars: { zone: north } }
  all: { hosts: "*", supervisor: { config: "/etc/{vars.zone}.conf" } }
vars: { zone: south }
`;
    assert.deepEqual(
      hostsOf(text).map(({ config }) => config),
      ["/etc/north.conf", "/etc/south.conf"],
    );
  });

  it("are text in double braces, and so are other braces", () => {
    const [host] = hostsOf("hosts: { a: }\nsupervisor: { config: '/etc/{{host}}/{a,b}/{}.conf' }\n");
    assert.equal(host?.config, "/etc/{host}/{a,b}/{}.conf");
  });

  it("are in error where there is no value, or another placeholder", () => {
    assert.match(
      errorsOf("hosts: { a: , b: }\nsupervisor: { config: '/etc/{vars.app}' }\n").join(),
      /^supervisor\.config: \{vars\.app\} has no value on a, b \[var_not_set\] add app to the vars of the plan/,
    );
    assert.deepEqual(errorsOf("hosts: { a: { address: '{address}x' } }\n"), [
      "hosts.a.address: {address} has no value in address [placeholder_not_here] known here: {host} {vars.NAME}",
    ]);
    assert.deepEqual(errorsOf("hosts: { a: }\nssh: { user: '{process}' }\n"), [
      "ssh.user: {process} has no value in ssh.user [placeholder_not_here] known here: {host} {address} {vars.NAME}",
    ]);
    assert.deepEqual(errorsOf("hosts: { a: }\nssh: { user: '{hots}' }\n"), [
      'ssh.user: there is no placeholder {hots} [unknown_placeholder] did you mean "{host}"?',
    ]);
  });

  it("must make a value that could be written there: none becomes an option of ssh", () => {
    const text = "hosts: { a: , b: }\nvars: { user: '-oProxyCommand=x' }\nssh: { user: '{vars.user}' }\n";
    assert.deepEqual(errorsOf(text), [
      'ssh.user: is "-oProxyCommand=x" on a, and must be the name of a user [invalid_value] ',
    ]);
  });

  it("are in error where two groups of a host have different values", () => {
    const text = `
hosts: { a: }
groups:
  north: { hosts: a, vars: { zone: north } }
  south: { hosts: a, vars: { zone: south } }
supervisor: { config: "/etc/{vars.zone}.conf" }
`;
    assert.deepEqual(errorsOf(text), [
      'supervisor.config: {vars.zone} has two values on a, those of the groups "north" and "south" [groups_disagree] set zone in the vars of the host',
    ]);
    assert.equal(hostsOf(text.replace("{ a: }", "{ a: { vars: { zone: here } } }"))[0]?.config, "/etc/here.conf");
  });

  it("do not hide that two hosts are one supervisord", () => {
    const text = "hosts: { 'web-[1-2]': { address: '{vars.ip}' } }\nvars: { ip: 10.0.0.1 }\n";
    assert.match(errorsOf(text).join(), /web-2 and web-1 are two names for one supervisord/);
  });

  it("are an error in any other text, which says where they work", () => {
    const where =
      "placeholders work in checks and hooks, and in address, ssh.user, supervisor.command, supervisor.config, supervisor.server_url";
    const plan = `
hosts: { a: { vars: { url: "http://{host}/" } } }
groups: { g: { hosts: "*", ssh: { identity_file: "~/.ssh/{vars.key}" } } }
lock: { directory: "/tmp/{address}" }
`;
    assert.deepEqual(errorsOf(plan), [
      `hosts.a.vars.url: {host} has no value here [placeholder_not_here] ${where}`,
      `groups.g.ssh.identity_file: {vars.key} has no value here [placeholder_not_here] ${where}`,
      `lock.directory: {address} has no value here [placeholder_not_here] ${where}`,
    ]);
  });
});
