import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** The script and the style of the page. In the bundle this module is replaced by its result: see scripts/build.ts. */
export function pageAssets(): PageAssets {
  return (built ??= build());
}

let built: PageAssets | undefined;

function build(): PageAssets {
  const file = (name: string) => fileURLToPath(new URL(`./browser/${name}`, import.meta.url));
  const { outputFiles } = buildSync({
    entryPoints: [file("page.ts")],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    minify: true,
    legalComments: "none",
  });
  return { script: outputFiles[0]?.text.trim() ?? "", style: readFileSync(file("page.css"), "utf8").trim() };
}
