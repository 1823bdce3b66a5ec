/**
 * Bundles the command into one file that needs nothing but Node: what reads the command line, and the parts that it
 * then loads, whole: the part that reads plans, the part that reads journals, or the part that contacts a fleet.
 *
 * The plan's schema is compiled here instead of at every start: that takes a third of the time of `validate`. So are
 * the script and the style of the page that shows a rollout.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import standaloneCode from "ajv/dist/standalone/index.js";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { createAjv } from "../src/planner/schema/compiled-schema.ts";
import { planSchema } from "../src/planner/schema/plan-schema.ts";
import { pageAssets } from "../src/views/page/assets.ts";
import { noticesOf } from "./notices.ts";
import { inOneFile, LOADER, type Part } from "./one-file.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const compiledValidator: Plugin = {
  name: "compiled-validator",
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]planner[/\\]schema[/\\]compiled-schema\.ts$/ }, () => {
      const ajv = createAjv({ source: true, esm: true });
      const code = standaloneCode.default(ajv, ajv.compile(planSchema));
      return { contents: `${code}\nexport { validate as validatePlan };`, loader: "js", resolveDir: root };
    });
  },
};

const builtPage: Plugin = {
  name: "built-page",
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]views[/\\]page[/\\]assets\.ts$/ }, () => {
      const contents = `const assets = ${JSON.stringify(pageAssets())};\nexport const pageAssets = () => assets;`;
      return { contents, loader: "js" };
    });
  },
};

interface PartOfSource {
  /** The modules of it that main.ts loads, and the exports that are used of each. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  readonly compressed: boolean;
}

const PARTS: Readonly<Record<string, PartOfSource>> = {
  plan: {
    modules: {
      "./commands/validate.ts": ["validate"],
      "./commands/offline.ts": ["showOffline"],
    },
    // An editor or a hook of git runs `validate` at every change.
    compressed: false,
  },
  records: {
    modules: {
      "./commands/history.ts": ["history"],
      "./commands/report.ts": ["report"],
      "./completion/complete.ts": ["complete", "printCompletion"],
    },
    compressed: true,
  },
  fleet: {
    modules: {
      "./commands/ad-hoc.ts": ["planOfWords"],
      "./status/status.ts": ["status"],
      "./commands/dry-run.ts": ["dryRun"],
      "./commands/run.ts": ["run"],
    },
    compressed: true,
  },
};

const partsWhenWanted: Plugin = {
  name: "parts-when-wanted",
  setup(build) {
    build.onResolve({ filter: /^\.\// }, ({ path, kind }) => {
      if (kind !== "dynamic-import") return undefined;
      const [part] = Object.entries(PARTS).find(([, { modules }]) => path in modules) ?? [];
      return part === undefined ? undefined : { path: part, namespace: "part" };
    });
    build.onLoad({ filter: /.*/, namespace: "part" }, ({ path }) => ({
      contents: `module.exports = ${LOADER}(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Functions of modules that are loaded when they are first called. commander can start programs, which is of no use
 * here, and what Node loads for that takes longer than commander itself; many a plan has no glob.
 */
const modulesWhenCalled: Plugin = {
  name: "modules-when-called",
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[/\\]commander[/\\]/.test(importer) ? { path: "spawn", namespace: "when-called" } : undefined,
    );
    build.onResolve({ filter: /^picomatch$/ }, ({ namespace }) =>
      namespace === "file" ? { path: "picomatch", namespace: "when-called" } : undefined,
    );
    const modules: Readonly<Record<string, string>> = {
      spawn: 'exports.spawn = (...given) => require("node:child_process").spawn(...given);',
      picomatch: 'module.exports = (...given) => require("picomatch")(...given);',
    };
    build.onLoad({ filter: /.*/, namespace: "when-called" }, ({ path }) => ({
      contents: modules[path] ?? "",
      resolveDir: root,
    }));
  },
};

async function bundle(options: BuildOptions): Promise<{ readonly code: string; readonly inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    ...options,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    // With `import()` Node would start its loader of ES modules.
    supported: { "dynamic-import": false },
    // As ES modules, of which only the used parts are bundled.
    alias: { yaml: join(root, "node_modules/yaml/browser/index.js") },
    // ssh2's native parts are optional, and make no visible difference.
    external: ["cpu-features", "*.node"],
    legalComments: "none",
    logLevel: "warning",
    plugins: [partsWhenWanted, modulesWhenCalled, compiledValidator, builtPage],
  });
  return { code: outputFiles[0]?.text ?? "", inputs: Object.keys(metafile.inputs) };
}

async function bundlePart({ modules }: PartOfSource) {
  const contents = Object.entries(modules).map(([path, names]) => `export { ${names.join(", ")} } from "${path}";`);
  return bundle({ stdin: { contents: contents.join("\n"), resolveDir: join(root, "src", "cli") } });
}

const main = await bundle({ entryPoints: ["src/cli/main.ts"] });
const parts: Record<string, Part> = {};
const inputs = [...main.inputs];
for (const [name, part] of Object.entries(PARTS)) {
  const bundled = await bundlePart(part);
  parts[name] = { code: bundled.code, compressed: part.compressed };
  inputs.push(...bundled.inputs);
}
const file = inOneFile(main.code, parts, noticesOf(inputs, root));
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
writeFileSync(join(dist, "orchestrate.cjs"), file, { mode: 0o755 });
