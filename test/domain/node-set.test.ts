import assert from "node:assert/strict";
import fc from "fast-check";
import { expandNodeSet, foldNames, LARGEST_NODE_SET } from "../../src/domain/node-set.ts";

function names(text: string): readonly string[] {
  const expansion = expandNodeSet(text);
  assert.ok("names" in expansion, JSON.stringify(expansion));
  return expansion.names;
}

function problem(text: string): string {
  const expansion = expandNodeSet(text);
  assert.ok("problem" in expansion, JSON.stringify(expansion));
  return expansion.problem;
}

describe("a node set", () => {
  it("stands for names in the order as written, padded as written", () => {
    assert.deepEqual(names("web-[08-11].example.com"), [
      "web-08.example.com",
      "web-09.example.com",
      "web-10.example.com",
      "web-11.example.com",
    ]);
    assert.deepEqual(names("[1,3,5-7]"), ["1", "3", "5", "6", "7"]);
    assert.deepEqual(names("n[9-11]"), ["n9", "n10", "n11"]);
    assert.deepEqual(names("n[007,2, 1-1]"), ["n007", "n2", "n1"]);
  });

  it("may have several brackets, of which the leftmost changes slowest", () => {
    assert.deepEqual(names("r[2,1]-[01-02]x"), ["r2-01x", "r2-02x", "r1-01x", "r1-02x"]);
    assert.deepEqual(names("[0-1][0-1]"), ["00", "01", "10", "11"]);
  });

  it("without brackets is the name itself", () => {
    for (const name of ["web-1", "", "web-1-8", "*"]) assert.deepEqual(names(name), [name]);
  });

  it("names a name once", () => {
    assert.deepEqual(names("n[1-3,2-4]"), ["n1", "n2", "n3", "n4"]);
  });

  it("says what is wrong with it", () => {
    assert.match(problem("web-[08-01]"), /backwards/);
    assert.match(problem("web-[]"), /empty/);
    assert.match(problem("web-[ ]"), /empty/);
    for (const open of ["web-[01-08", "web-[1[2]]", "["]) assert.match(problem(open), /not closed/);
    for (const close of ["web-01]", "web-[1]]", "]["]) assert.match(problem(close), /without its/);
    for (const odd of ["[a-c]", "[1,]", "[,]", "[1--2]", "[-1]", "[1-2-3]", "[1.5]", "[!1]", "[１]"])
      assert.match(problem(odd), /not understood/);
    for (const padded of ["[08-100]", "[8-010]", "[01-1]"]) assert.match(problem(padded), /padded/);
  });

  it("is not larger than anybody means, and says so at once", () => {
    assert.equal(names(`n[1-${LARGEST_NODE_SET}]`).length, LARGEST_NODE_SET);
    assert.match(problem(`n[0-${LARGEST_NODE_SET}]`), /more than 100,000 names/);
    assert.match(problem("[1-99999]".repeat(200)), /more than 100,000/);
    assert.match(problem("n[0-999999999999999]"), /more than 100,000/);
    assert.match(problem("n[1-9999999999999999]"), /more than 15 digits/);
  });
});

describe("folded names", () => {
  it("are short", () => {
    const folded = (...all: string[]) => foldNames(all).join(" ");
    assert.equal(folded("web-01.example.com", "web-02.example.com", "web-03.example.com"), "web-[01-03].example.com");
    assert.equal(folded("n1", "n3", "n5", "n6", "n7"), "n[1,3,5-7]");
    assert.equal(folded("n9", "n10", "n11"), "n[9-11]");
    assert.equal(folded("n09", "n10", "n11", "n1"), "n[1,09-11]");
    assert.equal(folded("r1-n1", "r1-n2", "r2-n1", "r2-n2"), "r[1-2]-n[1-2]");
    assert.equal(folded("r1-n1", "r1-n2", "r2-n1"), "r1-n[1-2] r2-n1");
    assert.equal(folded("10.0.0.1", "10.0.0.2", "10.0.0.4"), "10.0.0.[1-2,4]");
    assert.equal(folded("web-1", "db", "web-2"), "web-[1-2] db");
    assert.equal(folded("web-1"), "web-1");
    assert.equal(folded("web-1", "web-1"), "web-1");
    assert.equal(folded(), "");
  });

  it("leave digits alone that are too long to count", () => {
    assert.deepEqual(foldNames(["i-1234567890123456", "i-1234567890123457"]), [
      "i-1234567890123456",
      "i-1234567890123457",
    ]);
  });

  it("fold 10,000 names at once", () => {
    assert.deepEqual(foldNames(names("rack-[01-20]-node-[001-500]")), ["rack-[01-20]-node-[001-500]"]);
  });

  it("expand to the same set of names, whatever they are", () => {
    const padded = fc
      .tuple(fc.nat(130), fc.integer({ min: 1, max: 4 }))
      .map(([value, width]) => String(value).padStart(width, "0"));
    const part = fc.oneof(
      fc.constantFrom("web-", ".", "a", "-", "", "é", "\0", "."),
      padded,
      fc.stringMatching(/^\d{14,18}$/),
    );
    const name = fc.oneof(
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("")),
      fc.string().filter((text) => !/[[\]]/.test(text)),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), (all) => {
        const expanded = foldNames(all).flatMap((folded) => names(folded));
        assert.equal(new Set(expanded).size, expanded.length, "a name came twice");
        assert.deepEqual(expanded.toSorted(), [...new Set(all)].toSorted());
      }),
      { numRuns: 2000 },
    );
  });

  it("are one node set where the names came from one", () => {
    const bracket = fc.tuple(fc.integer({ min: 1, max: 80 }), fc.nat(15), fc.boolean()).map(([first, more, pad]) => {
      const last = first + more;
      const width = pad ? String(last).length : 1;
      return more === 0 ? String(first) : `[${String(first).padStart(width, "0")}-${last}]`;
    });
    fc.assert(
      fc.property(bracket, bracket, (one, two) => {
        const set = `rack-${one}-node-${two}.example.com`;
        assert.deepEqual(foldNames(names(set)), [set]);
      }),
    );
  });
});
