/**
 * Bundles the command into files that need nothing but Node: what reads the command line, and what that then loads,
 * whole: what reads plans, what tells of journals, or what contacts a fleet. A third of the time of `validate` was to
 * parse what it never called. They are not split further: a file that is loaded only when it is wanted may have been
 * replaced by then, as a rollout takes hours.
 *
 * The plan's schema is compiled here instead of at every start: that takes a third of the time of `validate`. So are
 * the script and the style of the page that shows a rollout.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import standaloneCode from "ajv/dist/standalone/index.js";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { createAjv } from "../src/planner/compiled-schema.ts";
import { planSchema } from "../src/planner/plan-schema.ts";
import { pageAssets } from "../src/views/picture/page-assets.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const compiledValidator: Plugin = {
  name: "compiled-validator",
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]planner[/\\]compiled-schema\.ts$/ }, () => {
      const ajv = createAjv({ source: true, esm: true });
      const code = standaloneCode.default(ajv, ajv.compile(planSchema));
      return { contents: `${code}\nexport { validate as validatePlan };`, loader: "js", resolveDir: root };
    });
  },
};

const builtPage: Plugin = {
  name: "built-page",
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]views[/\\]picture[/\\]page-assets\.ts$/ }, () => {
      const contents = `const assets = ${JSON.stringify(pageAssets())};\nexport const pageAssets = () => assets;`;
      return { contents, loader: "js" };
    });
  },
};

/** What main.ts loads, by the bundle that it is in: modules, and what is used of each. */
const BUNDLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  plan: {
    "./validate.ts": ["validate"],
    "./offline.ts": ["showOffline"],
  },
  records: {
    "./history.ts": ["history", "report"],
    "./completion/complete.ts": ["complete", "printCompletion"],
  },
  fleet: {
    "./status.ts": ["status"],
    "./dry-run.ts": ["dryRun"],
    "./run.ts": ["run"],
  },
};

const loadedWhenWanted: Plugin = {
  name: "loaded-when-wanted",
  setup(build) {
    build.onResolve({ filter: /^\.\// }, ({ path, kind }) => {
      if (kind !== "dynamic-import") return undefined;
      const [bundle] = Object.entries(BUNDLES).find(([, modules]) => path in modules) ?? [];
      return bundle === undefined ? undefined : { path: `./${bundle}.cjs`, external: true };
    });
  },
};

/** commander can start programs, which is of no use here; what Node loads for that takes longer than commander itself. */
const childProcessWhenWanted: Plugin = {
  name: "child-process-when-wanted",
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[/\\]commander[/\\]/.test(importer) ? { path: "child_process", namespace: "when-wanted" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "when-wanted" }, () => ({
      contents: 'exports.spawn = (...given) => require("node:child_process").spawn(...given);',
    }));
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
  // With `import()` Node would start its loader of ES modules.
  supported: { "dynamic-import": false },
  // ssh2's native parts are optional, and make no visible difference.
  external: ["cpu-features", "*.node"],
  legalComments: "eof",
  logLevel: "warning",
} as const satisfies BuildOptions;

await build({
  ...common,
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/orchestrate.cjs",
  plugins: [loadedWhenWanted, childProcessWhenWanted],
});
for (const [bundle, modules] of Object.entries(BUNDLES)) {
  // A module runs when something of it is called.
  const contents = Object.entries(modules).flatMap(([path, names]) =>
    names.map((name) => `exports.${name} = (...given) => require("${path}").${name}(...given);`),
  );
  await build({
    ...common,
    stdin: {
      contents: contents.join("\n"),
      resolveDir: join(root, "src", "cli"),
      sourcefile: `${bundle}-bundle.js`,
    },
    outfile: `dist/${bundle}.cjs`,
    plugins: [compiledValidator, builtPage],
  });
}
