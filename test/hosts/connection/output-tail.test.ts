import assert from "node:assert/strict";
import fc from "fast-check";
import { OutputTail } from "../../../src/hosts/connection/output-tail.ts";

function tailOf(chunks: readonly Buffer[], limitBytes: number): string {
  const tail = new OutputTail(limitBytes);
  for (const chunk of chunks) tail.add(chunk);
  return tail.text();
}

describe("what is kept of a command's output", () => {
  it("is all of it up to the limit, however it comes", () => {
    assert.equal(tailOf([], 10), "");
    assert.equal(
      tailOf(
        ["12345", "", "67890"].map((text) => Buffer.from(text)),
        10,
      ),
      "1234567890",
    );
    assert.equal(
      tailOf(
        [...Buffer.from("é\u{1f600}x")].map((byte) => Buffer.from([byte])),
        10,
      ),
      "é\u{1f600}x",
    );
  });

  it("is the end of more, after a line that says how much was cut", () => {
    assert.equal(tailOf([Buffer.from("abc1234567890")], 10), "[3 bytes before this were cut]\n1234567890");
  });

  it("never begins in the middle of a character, and accounts for each byte", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "é", "€", "\u{1f600}"), maxLength: 60 });
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (all, limitBytes, chunkBytes) => {
          const bytes = Buffer.from(all);
          const count = Math.ceil(bytes.length / chunkBytes);
          const chunks = Array.from({ length: count }, (_, index) =>
            bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
          );
          const [, cut = "0", kept = ""] =
            /^(?:\[(\d+) bytes before this were cut\]\n)?(.*)$/s.exec(tailOf(chunks, limitBytes)) ?? [];
          assert.ok(all.endsWith(kept));
          assert.equal(Number(cut) + Buffer.byteLength(kept), bytes.length);
          assert.ok(
            Buffer.byteLength(kept) > Math.min(bytes.length, limitBytes) - 4 && Buffer.byteLength(kept) <= limitBytes,
          );
        },
      ),
    );
  });

  it("is a copy: a chunk of one byte does not keep the packet that it came in", () => {
    const tail = new OutputTail();
    const chunk = Buffer.from("x");
    for (let byte = 0; byte < 3_000_000; byte++) tail.add(chunk);
    chunk.fill("y");
    assert.match(tail.text(), /^\[1951424 bytes before this were cut\]\nx{1048576}$/);
  });

  it("takes bytes that are no text at all", () => {
    assert.match(tailOf([Buffer.alloc(20, 0b1000_0001)], 10), /^\[1\d bytes before this were cut\]\n\ufffd+$/);
  });
});
