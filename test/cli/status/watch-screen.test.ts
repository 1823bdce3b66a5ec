import assert from "node:assert/strict";
import { fitted } from "../../../src/cli/status/watch-screen.ts";

describe("a picture on a screen", () => {
  const lines = ["head", "1", "2", "3", "4", "foot"];

  it("is shown whole where it fits", () => assert.deepEqual(fitted(lines, 80, 6), lines));

  it("keeps its first lines and its last where it is too tall", () =>
    assert.deepEqual(fitted(lines, 80, 5), ["head", "1", "2", "… and 2 more lines", "foot"]));

  it("is cut at the right", () => assert.deepEqual(fitted(["abcdef"], 4, 5), ["abc…"]));
});
