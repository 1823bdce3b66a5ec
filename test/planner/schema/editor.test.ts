import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { planSchema } from "../../../src/planner/schema/plan-schema.ts";
import { LanguageClient } from "./language-client.ts";

const MODELINE = "# yaml-language-server: $schema=../../../schemas/plan.schema.json\n";

interface Item {
  readonly label: string;
  readonly documentation?: string | { readonly value: string };
}

interface Published {
  readonly uri: string;
  readonly diagnostics: readonly { readonly message: string; readonly range: { readonly start: Position } }[];
}

interface Position {
  readonly line: number;
  readonly character: number;
}

describe("an editor with yaml-language-server", () => {
  const client = new LanguageClient();
  let opened = 0;
  before(() => client.start());
  after(() => client.stop());

  /** Opens a plan; `|` in it is where the cursor stands. */
  function open(marked: string): { uri: string; position: Position } {
    const text = MODELINE + marked.replace("|", "");
    const before = (MODELINE + marked).split("|")[0]!.split("\n");
    opened += 1;
    const uri = pathToFileURL(join(import.meta.dirname, `opened-${opened}.yaml`)).href;
    client.notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
    return { uri, position: { line: before.length - 1, character: before.at(-1)!.length } };
  }

  async function complete(marked: string): Promise<Item[]> {
    const { uri, position } = open(marked);
    const answer = await client.request("textDocument/completion", { textDocument: { uri }, position });
    return (answer as { items: Item[] }).items;
  }

  async function errorsIn(plan: string): Promise<Published["diagnostics"]> {
    const uri = pathToFileURL(join(import.meta.dirname, `opened-${opened + 1}.yaml`)).href;
    const published = client.next<Published>("textDocument/publishDiagnostics", (params) => params.uri === uri);
    open(plan);
    return (await published).diagnostics;
  }

  const labels = (items: readonly Item[]) => items.map(({ label }) => label);

  it("completes keys", async () => {
    assert.deepEqual(labels(await complete("programs: x\nhosts:\n  a:\ntim|")).includes("timings"), true);
    const timings = labels(await complete("programs: x\nhosts:\n  a:\ntimings:\n  |"));
    assert.deepEqual(timings.toSorted(), Object.keys(planSchema.definitions.timings.properties).toSorted());
    const hooks = labels(await complete("hosts:\n  a:\n    hooks:\n      |"));
    assert.ok(hooks.includes("before_restart") && !hooks.includes("before_rollout"));
  });

  it("completes values", async () => {
    const values = labels(await complete("programs: x\nhosts:\n  a:\nbatches:\n  mode: |"));
    assert.ok(values.includes("lockstep") && values.includes("sliding"));
    assert.ok(labels(await complete("hosts:\n  a:\nrollout:\n  - group: x\n    pause: |")).includes("ask"));
  });

  it("completes inside the map of a program, in a list, in a map and in a group", async () => {
    const keys = Object.keys(planSchema.definitions.program.properties).toSorted();
    for (const plan of [
      "hosts:\n  a:\nprograms:\n  - web:\n      |",
      "hosts:\n  a:\nprograms:\n  web:\n    |",
      "hosts:\n  a:\ngroups:\n  g:\n    hosts: a\n    programs:\n      - web:\n          |",
    ])
      assert.deepEqual(labels(await complete(plan)).toSorted(), keys, plan);
    const hooks = labels(await complete("hosts:\n  a:\nprograms:\n  - web:\n      hooks:\n        |"));
    assert.deepEqual(hooks.toSorted(), ["after_healthy", "before_restart"]);
    const plan = 'hosts:\n  a:\nprograms:\n  - web\n  - "queue*": { on_expected_exit: accept, checks: [] }\n  - "!x"\n';
    assert.deepEqual(await errorsIn(plan), []);
  });

  it("accepts null, which takes an inherited value away", async () => {
    const away = "hooks: { before_restart: null }\ngroups: { jobs: null }\nhosts: { a: null }\nchecks: null\n";
    const settings =
      "timings: { between_restarts: null }\nbatches: { hosts: null, mode: null }\nvars: { zone: null }\n";
    assert.deepEqual(await errorsIn(`extends: base.yaml\n${away}${settings}on_failure: null\nprograms: null\n`), []);
    assert.deepEqual(await errorsIn("abstract: true\nprograms: x\n"), []);
  });

  it("shows what a key means", async () => {
    const { uri, position } = open("programs: x\nhosts:\n  a:\ntimings:\n  min_healthy|_time: 5s\n");
    const hover = await client.request("textDocument/hover", { textDocument: { uri }, position });
    const { value } = (hover as { contents: { value: string } }).contents;
    const { description } = planSchema.definitions.timings.properties.min_healthy_time;
    assert.ok(value.replace(/\\(.)/g, "$1").includes(description), value);
  });

  it("underlines errors, with the plan's own messages", async () => {
    const errors = await errorsIn(
      "programs: x\nhosts:\n  a:\ntimings:\n  stop_deadline: 5\nbatchs: {}\nchecks:\n  - {}\n",
    );
    const at = errors.map(({ message, range }) => `${range.start.line}: ${message}`);
    assert.ok(
      at.some((error) => error.startsWith("5: ") && error.includes("must be a duration such as")),
      at.join("\n"),
    );
    assert.ok(
      at.some((error) => error.startsWith("6: ") && error.includes("batchs")),
      at.join("\n"),
    );
    assert.ok(
      at.some((error) => error.startsWith("8: ")),
      at.join("\n"),
    );
  });

  it("finds nothing wrong with a plan that has all of the language, or extends another", async () => {
    assert.deepEqual(await errorsIn("extends: base.yaml\ngroups:\n  web: { batches: { hosts: [1, 50%] } }\n"), []);
    assert.deepEqual(
      await errorsIn(
        'programs: x\nhosts_from: { ansible: i.ini }\nvars: { a: 1 }\nchecks:\n  - tcp: "a:1"\nhooks: { before_host: x }\n',
      ),
      [],
    );
  });
});
