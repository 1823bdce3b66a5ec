import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { nobodyAt, serveOnce, targetAt, temporaryFolder } from "../fixtures.ts";

describe("a host that cannot be reached says why in one line", () => {
  let home: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder: home, remove } = await temporaryFolder()));
  after(() => remove());

  async function reasonAt(port: number, connectTimeoutMs = 20_000, address = "127.0.0.1"): Promise<string> {
    const access = openSsh(targetAt(address, { port, connect_timeout_ms: connectTimeoutMs }), {
      ...nobodyAt(home),
      // What passes by itself is tried again; that is for another test.
      backoff: () => undefined,
    });
    const outcome = await access.connect();
    assert.ok(outcome.kind === "refused");
    const { code, host, reason } = outcome.refusal;
    assert.deepEqual([code, host], ["unreachable", "web-01"]);
    assert.ok(!/[\n\r\u001b]/.test(reason), "one clean line");
    assert.deepEqual(await access.run(["true"], { timeoutMs: 20_000 }), { kind: "unreachable", reason });
    await access.close();
    const prefix = address.includes(":") ? `[${address}]:${port}: ` : `${address}:${port}: `;
    assert.ok(reason.startsWith(prefix), reason);
    return reason.slice(prefix.length);
  }

  async function reasonFor(treat: (socket: Socket) => void, connectTimeoutMs?: number): Promise<string> {
    const server = await serveOnce(treat);
    const reason = await reasonAt(server.port, connectTimeoutMs);
    await server.close();
    return reason;
  }

  it("when nobody listens", async () => {
    const server = await serveOnce(() => {});
    await server.close();
    assert.equal(await reasonAt(server.port), "connection refused");
  });

  it("when it accepts and is silent", async () => {
    assert.equal(await reasonFor(() => {}, 3_000), "accepted the connection, but sent nothing within 3s");
  });

  it("when it closes at once", async () => {
    assert.equal(
      await reasonFor((socket) => socket.end()),
      "closes the connection without an SSH banner (is its sshd overloaded? see its MaxStartups)",
    );
  });

  it("when it says that it has too many to greet, as newer sshds do, or that it has had enough of us", async () => {
    const busy = await reasonFor((socket) => socket.end("Exceeded MaxStartups\r\n"));
    assert.match(
      busy,
      /^closes the connection without an SSH banner \(is its sshd overloaded\? see its MaxStartups\)$/,
    );
    const penalty = await reasonFor((socket) => socket.end("Not allowed at this time\r\n"));
    assert.equal(penalty, 'temporarily refuses our connections: "Not allowed at this time"');
  });

  it("when it says so and then resets, as sshd does to a greeting of ours that it has not read", async () => {
    const saysAndResets = (words: string) => (socket: Socket) => {
      socket.once("data", () => socket.resetAndDestroy());
      socket.write(words);
    };
    assert.match(await reasonFor(saysAndResets("Exceeded MaxStartups\r\n")), /see its MaxStartups\)$/);
    const penalty = await reasonFor(saysAndResets("Not allowed at this time\r\n"));
    assert.equal(penalty, 'temporarily refuses our connections: "Not allowed at this time"');
  });

  it("when it resets at once", async () => {
    assert.match(
      await reasonFor((socket) => socket.resetAndDestroy()),
      /^(the connection was reset|closes the connection without an SSH banner)/,
    );
  });

  it("when it closes after its banner", async () => {
    const reason = await reasonFor((socket) => socket.end("SSH-2.0-Odd_1\r\n"));
    assert.equal(reason, 'closed the connection during key exchange (it is "SSH-2.0-Odd_1")');
  });

  it("when it goes silent after its banner", async () => {
    assert.equal(
      await reasonFor((socket) => socket.write("SSH-2.0-Odd_1\r\n"), 3_000),
      "did not finish the key exchange within 3s",
    );
  });

  it("when it speaks something else", async () => {
    const page = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\u001b[31m\0</html>\r\n";
    const reason = await reasonFor((socket) => socket.end(page));
    assert.equal(reason, 'says "HTTP/1.1 400 Bad Request" instead of an SSH banner');
  });

  it("when it speaks something else and then waits", async () => {
    const reason = await reasonFor((socket) => socket.write("220 mail\r\n"), 3_000);
    assert.equal(reason, 'says "220 mail" instead of an SSH banner');
  });

  it("when it sends bytes without sense", async () => {
    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 251));
    assert.match(await reasonFor((socket) => socket.end(noise)), /^says ".{1,400}" instead of an SSH banner$/);
  });

  it("when it sends bytes without sense after its banner, and does not even close", async () => {
    const noise = Buffer.concat([Buffer.from("SSH-2.0-Odd_1\r\n"), Buffer.alloc(1000, 0xff)]);
    assert.match(await reasonFor((socket) => socket.write(noise)), /^failed during key exchange: /);
  });

  it("when it is of version 1 only", async () => {
    assert.match(
      await reasonFor((socket) => socket.end("SSH-1.5-Old\r\n")),
      /^failed during key exchange: |^says "SSH-1\.5-Old"/,
    );
  });

  it("when its address is of IPv6", async () => {
    assert.match(
      await reasonAt(1, 20_000, "::1"),
      /^(connection refused|its network cannot be reached|its address cannot be reached from here)$/,
    );
  });

  it("when its address is none", async () => {
    assert.match(await reasonAt(22, 20_000, "no-such-host.invalid"), /^its name cannot be resolved/);
  });
});
