import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { inFolder, orchestrate } from "../acceptance/orchestrate.ts";
import { itInFull } from "../amount.ts";
import { configuration } from "./configuration.ts";
import { onRealHost } from "./host.ts";

interface Recipe {
  readonly text: string;
  /** The configuration on which it is run. */
  readonly testedOn: string | undefined;
}

const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "recipes.md"), "utf8");
const recipes = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = ""]): Recipe => ({
  text,
  testedOn: /^# tested on (\S+)$/m.exec(text)?.[1],
}));

describe("the recipes of the documentation", () => {
  it("are plans that validate, each and all", async () => {
    assert.ok(recipes.length >= 7);
    await inFolder(async (dir) => {
      const files = recipes.map((_, index) => join(dir, `recipe-${index}.yaml`));
      await Promise.all(recipes.map(({ text }, index) => writeFile(files[index] ?? "", text)));
      const ended = await orchestrate("validate", ...files);
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    });
  });

  for (const { text, testedOn } of recipes)
    if (testedOn !== undefined)
      itInFull(`roll out ${testedOn} as they stand, but for the way to the host`, async () => {
        await onRealHost(configuration(testedOn), async (host) => {
          const plan = {
            ...(parse(text) as object),
            hosts: { "host-1": { address: host.address, supervisor: { config: host.config, sudo: false } } },
            ssh: {
              user: userInfo().username,
              port: host.port,
              identity_file: host.identityFile,
              known_hosts_file: host.knownHostsFile,
            },
            lock: { directory: host.dir },
          };
          const file = join(host.dir, "plan.yaml");
          await writeFile(file, stringify(plan));
          const ended = await orchestrate(file, "--output", "plain");
          assert.equal(ended.code, 0, ended.stdout + ended.stderr);
          assert.match(ended.stdout, /^succeeded: /m);
        });
      });
});
