import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordedEvent } from "../../src/domain/events.ts";
import type { HostName, RolloutId } from "../../src/domain/ids.ts";
import type { Journal } from "../../src/executor/ports.ts";
import { systemFiles, type JournalFiles } from "../../src/state/journal-files.ts";
import { createJournal } from "../../src/state/journal.ts";
import { readJournal } from "../../src/state/read-journal.ts";

const ID = "20261122T100000Z-0000" as RolloutId;

function eventOf(seq: number): RecordedEvent {
  // Letters of several bytes, so that a cut may go through one.
  const host = `häuser-${seq}` as HostName;
  return { v: 1, seq, at: "2026-11-22T10:00:00.000Z", rollout: ID, type: "host.finished", host };
}

function opened(file: string, files?: JournalFiles): Journal {
  const journal = createJournal(file, files);
  assert.ok("journal" in journal, JSON.stringify(journal));
  return journal.journal;
}

function failure(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: that is so, ${syscall}`), { code, syscall });
}

/** Real files on a disk that takes so many bytes, in pieces, then none once, and then has room again; or one that fails. */
function brokenDisk({ bytes = Infinity, piece = Infinity, syncs = Infinity, close = false } = {}): JournalFiles {
  let left = bytes;
  let syncsLeft = syncs;
  return {
    ...systemFiles,
    write(fd, buffer) {
      const size = Math.min(left, piece, buffer.length);
      left = size === 0 ? Infinity : left - size;
      if (size === 0) throw failure("ENOSPC", "write");
      return systemFiles.write(fd, buffer.subarray(0, size));
    },
    sync(fd, done) {
      if (--syncsLeft < 0) setImmediate(done, failure("EIO", "fdatasync"));
      else systemFiles.sync(fd, done);
    },
    close(fd) {
      systemFiles.close(fd);
      if (close) throw failure("EDQUOT", "close");
    },
  };
}

describe("a journal", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
    file = join(folder, "state", "plan", `${ID}.ndjson`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Appends events one by one, each made durable, and closes; tells of which it was said that they are kept. */
  async function keep(journal: Journal, count: number) {
    const kept: number[] = [];
    const problems: string[] = [];
    for (let seq = 1; seq <= count; seq++) {
      journal.append(eventOf(seq));
      const problem = await journal.durable();
      if (problem === undefined) kept.push(seq);
      else problems.push(problem);
    }
    return { kept, problems, closed: await journal.close() };
  }

  it("is read as it was written, from a file and folders that only their owner can read", async () => {
    assert.deepEqual(await keep(opened(file), 5), { kept: [1, 2, 3, 4, 5], problems: [], closed: undefined });
    assert.deepEqual(readJournal(file), { events: [1, 2, 3, 4, 5].map(eventOf) });
    for (const path of [file, join(folder, "state"), join(folder, "state", "plan")])
      assert.equal(statSync(path).mode & 0o077, 0, path);
  });

  it("on a disk that is full after any number of bytes says so from then on, and what it called kept can be read", async () => {
    await keep(opened(file), 5);
    const whole = readFileSync(file);
    for (let bytes = 0; bytes < whole.length; bytes++) {
      rmSync(file);
      const { kept, problems, closed } = await keep(opened(file, brokenDisk({ bytes, piece: 7, close: true })), 5);
      const { events, damage } = readJournal(file);
      assert.equal(damage, undefined, `${bytes} bytes`);
      // Of one more no more than the end of its line may be missing.
      const seqs = events.map(({ seq }) => seq);
      assert.deepEqual(seqs.slice(0, kept.length), kept, `${bytes} bytes`);
      assert.ok(seqs.length === kept.length || whole[bytes] === "\n".charCodeAt(0), `${bytes} bytes`);
      assert.equal(problems.length, 5 - kept.length);
      for (const problem of [...problems, closed]) assert.equal(problem, `${file}: ENOSPC: that is so, write`);
      assert.deepEqual(readFileSync(file), whole.subarray(0, bytes), "it wrote on after it had failed");
    }
  });

  it("that one fsync has failed for is never called kept again", async () => {
    for (let syncs = 0; syncs < 5; syncs++) {
      rmSync(file, { force: true });
      const { kept, closed } = await keep(opened(file, brokenDisk({ syncs })), 5);
      assert.equal(kept.length, syncs);
      assert.equal(closed, `${file}: EIO: that is so, fdatasync`);
    }
  });

  it("says when it is closed what only that shows, and closing twice is closing once", async () => {
    const journal = opened(file, brokenDisk({ close: true }));
    journal.append(eventOf(1));
    const [first, second] = await Promise.all([journal.close(), journal.close()]);
    assert.equal(first, `${file}: EDQUOT: that is so, close`);
    assert.equal(second, first);
    // What comes too late must not go into the next file that is opened.
    const other = join(folder, "other");
    writeFileSync(other, "");
    const fd = systemFiles.create(join(folder, "next"));
    journal.append(eventOf(2));
    assert.equal(await journal.durable(), first);
    systemFiles.close(fd);
    assert.equal(readFileSync(join(folder, "next"), "utf8"), "");
  });

  it("is not closed in the middle of an fsync, whoever asks for one meanwhile", async () => {
    const steps: string[] = [];
    const journal = opened(file, {
      ...systemFiles,
      sync(fd, done) {
        steps.push("sync");
        // While the fsync of the close itself is in progress.
        if (steps.length === 1) queueMicrotask(() => void journal.durable());
        systemFiles.sync(fd, (error) => {
          steps.push("synced");
          done(error);
        });
      },
      close(fd) {
        steps.push("close");
        systemFiles.close(fd);
      },
    });
    journal.append(eventOf(1));
    assert.equal(await journal.close(), undefined);
    await journal.durable();
    assert.deepEqual(steps, ["sync", "synced", "sync", "synced", "close"]);
  });

  it("shares one fsync among all who wait for the next one", async () => {
    let syncs = 0;
    const sync: JournalFiles["sync"] = (fd, done) => {
      syncs++;
      systemFiles.sync(fd, done);
    };
    const journal = opened(file, { ...systemFiles, sync });
    journal.append(eventOf(1));
    const first = journal.durable();
    await Promise.resolve();
    const others = Array.from({ length: 100 }, (_, index) => {
      journal.append(eventOf(index + 2));
      return journal.durable();
    });
    assert.deepEqual(new Set(await Promise.all([first, ...others])), new Set([undefined]));
    assert.equal(syncs, 2);
    await journal.close();
    assert.equal(readJournal(file).events.length, 101);
  });

  it("is refused, with a reason, where there is one of that name or no place for one", () => {
    opened(file);
    for (const [path, why] of [
      [file, /^EEXIST/],
      [join(file, "below", "a.ndjson"), /^(ENOTDIR|EEXIST)/],
    ] as const) {
      const refused = createJournal(path);
      assert.ok("problem" in refused);
      assert.match(refused.problem, why);
    }
    const create = () => {
      throw failure("ENOSPC", "open");
    };
    assert.deepEqual(createJournal(join(folder, "b"), { ...systemFiles, create }), {
      problem: "ENOSPC: that is so, open",
    });
  });
});

describe("what is read of a journal", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
    file = join(folder, `${ID}.ndjson`);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const lines = (...events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
  const two = [eventOf(1), eventOf(2)];

  it("is a prefix of whole events wherever a kill has cut it, and no damage", () => {
    const whole = Buffer.from(lines(...two, eventOf(3)));
    const ends = two.map((_, index) => Buffer.from(lines(...two.slice(0, index + 1))).length);
    for (let size = 0; size <= whole.length; size++) {
      writeFileSync(file, whole.subarray(0, size));
      const { events, damage } = readJournal(file);
      assert.equal(damage, undefined);
      // An event is whole without its line's end as well.
      const expected = ends.filter((end) => size >= end - 1).length + (size >= whole.length - 1 ? 1 : 0);
      assert.equal(events.length, expected, `${size} bytes`);
    }
  });

  it("ends before the zeros that a power cut may leave at the end of a file", () => {
    writeFileSync(file, lines(...two) + "\0".repeat(4096));
    assert.deepEqual(readJournal(file), { events: two });
  });

  for (const [what, text, damage] of [
    ["a torn line in the middle", lines(two[0]!) + '{"v":1,"se\n' + lines(two[1]!), ":2: is no event"],
    ["zeros in the middle", lines(two[0]!) + "\0\0\0\n" + lines(two[1]!), ":2: is no event"],
    ["a line that is JSON and no event", lines(two[0]!, { seq: 2 }), ":2: is no event"],
    ["another kind of file", "# notes\n", ":1: is no event"],
    ["a version from the future", lines(two[0]!, { ...two[1], v: 2 }), ":2: is of a later version of orchestrate"],
    [
      "a version from the future in its last line, without an end",
      lines(two[0]!) + JSON.stringify({ ...two[1], v: 2 }),
      ":2: is of a later version of orchestrate",
    ],
  ] as const)
    it(`goes as far as it can be trusted, with the place of the damage: ${what}`, () => {
      writeFileSync(file, text);
      const events = damage.startsWith(":1:") ? [] : [two[0]];
      assert.deepEqual(readJournal(file), { events, damage: `${file}${damage}` });
    });

  it("of none that can be read says why", () => {
    assert.match(readJournal(join(folder, "none")).damage ?? "", /^ENOENT/);
    mkdirSync(file);
    assert.match(readJournal(file).damage ?? "", /^EISDIR/);
    assert.ok(existsSync(file));
  });
});
