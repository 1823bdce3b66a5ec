import assert from "node:assert/strict";
import { masterArguments } from "../../../src/hosts/system-ssh/system-arguments.ts";
import { openSystemSsh } from "../../../src/hosts/system-ssh/system-ssh.ts";
import { targetAt } from "../fixtures.ts";
import { sshContract } from "../ssh/ssh.contract.ts";

sshContract({
  name: "the ssh program",
  open: openSystemSsh,
  says: {
    lost: /^the connection to 127\S+ was lost: \S/,
    frozen: /^the connection to 127\S+ was lost: Timeout, server 127\S+ not responding\.$/,
    closedByUs: /^the connection to 127\S+ was lost: it was closed by us$/,
    nobodyListens: /^127\S+: ssh: connect to host 127\S+ port \d+: Connection refused$/,
    noSuchName: /^no-such-host\.invalid: ssh: Could not resolve hostname no-such-host\.invalid: /,
  },
});

describe("the ssh program is called", () => {
  const callOf = (ssh: Parameters<typeof targetAt>[1], options = {}) =>
    masterArguments(targetAt("10.0.0.5", ssh), "/tmp/f/s", { connectTimeoutMs: 20_000, ...options }).join(" ");

  it("with what the plan says, and never so that it could ask for a password or do more than connect", () => {
    assert.equal(
      callOf({ user: "deploy", port: 2222, identity_file: "/k/a%b", known_hosts_file: "/k/known hosts" }),
      '-l deploy -p 2222 -i /k/a%%b -o BatchMode=yes -o UserKnownHostsFile="/k/known hosts"' +
        " -o ConnectTimeout=20 -o ServerAliveInterval=5 -o ServerAliveCountMax=3" +
        " -o ControlMaster=yes -o ControlPersist=no -o ControlPath=/tmp/f/s" +
        " -o PermitLocalCommand=yes -o LocalCommand=echo orchestrate: connected" +
        " -o ClearAllForwardings=yes -o RemoteCommand=none -o LogLevel=INFO -N -- 10.0.0.5",
    );
  });

  it("without what the plan leaves out, which is ssh_config's to say", () => {
    assert.doesNotMatch(callOf({}), /(^| )-[lpiJF] |UserKnownHostsFile|IdentityAgent|StrictHostKey/);
  });

  it("with the plan's bastions, its own configuration and its word on host keys", () => {
    assert.match(callOf({ proxy_jump: "a@b:22,c", config_file: "/c" }), /^-F \/c -J a@b:22,c /);
    assert.match(callOf({ host_key_checking: "accept-new" }), / StrictHostKeyChecking=accept-new /);
    assert.match(callOf({ host_key_checking: "strict" }), / StrictHostKeyChecking=yes /);
    assert.match(callOf({ host_key_checking: "off", known_hosts_file: "/k" }), / StrictHostKeyChecking=no .*="\/k" /);
  });
});
