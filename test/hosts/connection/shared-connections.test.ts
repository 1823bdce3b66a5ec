import assert from "node:assert/strict";
import type { HostName } from "../../../src/domain/ids.ts";
import type { RunOutcome } from "../../../src/executor/ports.ts";
import type { Connection, Seat } from "../../../src/hosts/connection/connection.ts";
import { SharedConnections } from "../../../src/hosts/connection/shared-connections.ts";

const DONE: RunOutcome = { kind: "exited", code: 0, stdout: "", stderr: "" };

/** A host that answers at once, and of which each connection bears so many channels. */
class FakeHost {
  readonly connections: FakeConnection[] = [];
  readonly access: SharedConnections;

  readonly bears: number;

  constructor(bears: number) {
    this.bears = bears;
    this.access = new SharedConnections("h" as HostName, () => {
      const connection = new FakeConnection(this);
      this.connections.push(connection);
      return Promise.resolve({ kind: "connected", connection });
    });
  }

  /** Ends the oldest command of a connection. */
  endOne(connection = 0): void {
    this.connections[connection]?.busy.shift()?.();
  }

  get sent(): number[] {
    return this.connections.map(({ sent }) => sent);
  }
}

class FakeConnection implements Connection {
  isLost = false;
  isClosed = false;
  sent = 0;
  asked = 0;
  /** Commands that hold a channel without our knowing, as after a time limit on a host without `timeout`. */
  ghosts = 0;
  readonly busy: (() => void)[] = [];
  onRefusal: () => void = () => undefined;

  readonly host: FakeHost;

  constructor(host: FakeHost) {
    this.host = host;
  }

  async run(_line: string, { seat }: { readonly seat: Seat }) {
    this.asked += 1;
    await Promise.resolve();
    if (this.busy.length + this.ghosts >= this.host.bears) {
      seat.refused();
      this.onRefusal();
      return { kind: "no_room", reason: "full" } as const;
    }
    this.sent += 1;
    seat.taken();
    return new Promise<RunOutcome>((resolve) => {
      this.busy.push(() => {
        seat.left();
        resolve(DONE);
      });
    });
  }

  spawn = () => Promise.reject(new Error("not used"));
  dial = () => Promise.reject(new Error("not used"));
  close() {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** Lets everything happen that needs no further event. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("connections to one host that its commands share", () => {
  it("are one for as long as that bears all", async () => {
    const host = new FakeHost(10);
    const runs = Array.from({ length: 10 }, () => host.access.run(["x"]));
    await settled();
    assert.deepEqual(host.sent, [10]);
    for (let each = 0; each < 10; each++) host.endOne();
    assert.deepEqual(
      await Promise.all(runs),
      Array.from({ length: 10 }, () => DONE),
    );
  });

  it("are more when the host refuses channels, and every command is sent once", async () => {
    const host = new FakeHost(4);
    const runs = Array.from({ length: 10 }, () => host.access.run(["x"]));
    await settled();
    assert.deepEqual(host.sent, [4, 4, 2]);
    for (const connection of [0, 1, 2]) for (let each = 0; each < 4; each++) host.endOne(connection);
    assert.deepEqual(
      await Promise.all(runs),
      Array.from({ length: 10 }, () => DONE),
    );
  });

  it("are asked for no more than they bear, once that is known", async () => {
    const host = new FakeHost(2);
    const start = (count: number) => Array.from({ length: count }, () => void host.access.run(["x"]));
    start(3);
    await settled();
    const asked = () => host.connections.map((connection) => connection.asked);
    const before = asked();
    assert.deepEqual(host.sent, [2, 1]);
    start(3);
    await settled();
    assert.deepEqual(host.sent, [2, 2, 2]);
    assert.deepEqual(asked(), [before[0], 2, 2]);
  });

  it("have room again when a command has ended", async () => {
    const host = new FakeHost(1);
    for (let time = 0; time < 5; time++) {
      const runs = [host.access.run(["x"]), host.access.run(["x"])];
      await settled();
      host.endOne(0);
      host.endOne(1);
      await Promise.all(runs);
    }
    assert.deepEqual(host.sent, [5, 5]);
  });

  it("are not held for narrower than they are because of commands that nobody waits for any more", async () => {
    const host = new FakeHost(3);
    const start = (count: number) => Array.from({ length: count }, () => void host.access.run(["x"]));
    start(3);
    await settled();
    for (let each = 0; each < 3; each++) host.endOne();
    host.connections[0]!.ghosts = 2;
    start(2);
    await settled();
    assert.deepEqual(host.sent, [4, 1]);
    start(2);
    await settled();
    assert.deepEqual(host.sent, [4, 3]);
  });

  it("are tried once more when they refuse a command that is alone: the one before it may still be ending", async () => {
    const host = new FakeHost(1);
    const first = host.access.run(["x"]);
    await settled();
    host.connections[0]!.ghosts = 1;
    host.connections[0]!.onRefusal = () => (host.connections[0]!.ghosts = 0);
    host.endOne();
    await first;
    void host.access.run(["x"]);
    await settled();
    assert.deepEqual(host.sent, [2]);
  });

  it("make place for others when commands that were given up hold all their channels", async () => {
    const host = new FakeHost(1);
    for (let time = 0; time < 40; time++) {
      const run = host.access.run(["x"]);
      await settled();
      host.connections.at(-1)!.ghosts = 1;
      host.endOne(host.connections.length - 1);
      assert.deepEqual(await run, DONE);
    }
    assert.equal(host.connections.filter(({ isClosed }) => !isClosed).length, 32);
  });

  it("are bounded in number; what finds no room on all of them is not sent", async () => {
    const host = new FakeHost(1);
    const runs = Array.from({ length: 33 }, () => host.access.run(["x"]));
    await settled();
    assert.equal(host.connections.length, 32);
    for (let connection = 0; connection < 32; connection++) host.endOne(connection);
    const unsent = (await Promise.all(runs)).filter(({ kind }) => kind !== "exited");
    assert.deepEqual(unsent, [
      { kind: "unreachable", reason: "no room for another command on 32 connections (see sshd's MaxSessions)" },
    ]);
  });

  it("that refuse even the first command are given up, and the command was not sent", async () => {
    const host = new FakeHost(0);
    for (let time = 0; time < 40; time++)
      assert.deepEqual(await host.access.run(["x"]), { kind: "unreachable", reason: "full" });
    await host.access.close();
    assert.ok(host.connections.every(({ isClosed }) => isClosed));
  });

  it("are made anew when they are lost, and all closed at the end", async () => {
    const host = new FakeHost(1);
    void host.access.run(["x"]);
    await settled();
    host.connections[0]!.isLost = true;
    void host.access.run(["x"]);
    await settled();
    assert.deepEqual(host.sent, [1, 1]);
    await host.access.close();
    assert.ok(host.connections[1]!.isClosed);
  });
});
