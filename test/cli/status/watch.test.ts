import assert from "node:assert/strict";
import { footer } from "../../../src/cli/status/watch.ts";
import type { HostName } from "../../../src/domain/ids.ts";

const NOW = new Date("2026-11-22T10:00:12.700Z");
const waits = (...hosts: string[]) => new Set(hosts as HostName[]);

describe("status --watch", () => {
  it("says how old its picture is, by UTC", () =>
    assert.equal(
      footer("2026-11-22T10:00:05.000Z", waits(), NOW),
      "as of 10:00:05 UTC, 7s ago; every 2s, Ctrl-C to quit",
    ));

  it("says which host it waits for, also before there is a picture", () => {
    assert.equal(footer(undefined, waits("web-1"), NOW), "no answer yet; waiting for web-1; every 2s, Ctrl-C to quit");
    assert.match(
      footer("2026-11-22T10:00:05.000Z", waits("web-1", "web-2", "db", "mail", "cache"), NOW),
      /, 7s ago; waiting for web-\[1-2\] db and 2 more hosts; /,
    );
  });

  it("is never younger than now where a clock was set back", () =>
    assert.match(footer("2026-11-22T10:00:15.000Z", waits(), NOW), /, 0s ago;/));
});
