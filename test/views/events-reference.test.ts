import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { EVENTS_FILE, eventsReference } from "../../scripts/events-reference.ts";

describe("the page of events and codes in docs/", () => {
  it("is what the schema and the catalogue of failures say (npm run docs writes it)", () => {
    assert.equal(readFileSync(EVENTS_FILE, "utf8"), eventsReference());
  });

  it("links to sections that are there", () => {
    const text = eventsReference();
    const headings = [...text.matchAll(/^### (\w+)$/gm)].map(([, title = ""]) => title.toLowerCase());
    const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = ""]) => anchor);
    assert.ok(links.length > 10);
    for (const link of links) assert.ok(headings.includes(link), link);
  });
});
