/**
 * Bundles the command into one file, `dist/orchestrate.cjs`, that needs nothing but Node.
 *
 * The plan's schema is compiled here instead of at every start: that takes a third of the time of `validate`. So are
 * the script and the style of the page that shows a rollout.
 */
import { fileURLToPath } from "node:url";
import standaloneCode from "ajv/dist/standalone/index.js";
import { build, type Plugin } from "esbuild";
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

await build({
  absWorkingDir: root,
  entryPoints: ["src/cli/main.ts"],
  outfile: "dist/orchestrate.cjs",
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
  // ssh2's native parts are optional, and make no visible difference.
  external: ["cpu-features", "*.node"],
  plugins: [compiledValidator, builtPage],
  legalComments: "eof",
  logLevel: "warning",
});
