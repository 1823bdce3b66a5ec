import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { planReference, REFERENCE_FILE } from "../../scripts/plan-reference.ts";

describe("the plan's reference in docs/", () => {
  it("is what the schema says (npm run docs writes it)", () => {
    assert.equal(readFileSync(REFERENCE_FILE, "utf8"), planReference());
  });

  it("links to sections that are there", () => {
    const text = planReference();
    const anchors = [...text.matchAll(/^## (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    for (const [, anchor = ""] of text.matchAll(/\]\(#([^)]*)\)/g)) assert.ok(anchors.includes(anchor), anchor);
  });
});
