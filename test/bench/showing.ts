import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const ROUNDS = 3;

/** What the tree costs beside `--output json`: a rollout of 200 hosts x 8 in real time, each in a terminal of its own. */
export function showing(dir: string): void {
  const script = join(dir, "roll.mjs");
  buildSync({
    entryPoints: [fileURLToPath(new URL("roll.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    // Packages that are CommonJS ask for a require.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    external: ["esbuild"],
    logLevel: "error",
  });
  const pairs = Array.from({ length: ROUNDS }, () => ({
    tree: rolled(script, dir, "tree"),
    json: rolled(script, dir, "json"),
  }));
  for (const what of ["wallMs", "cpuMs"] as const) {
    const ratios = pairs.map(({ tree, json }) => tree[what] / json[what]).sort((a, b) => a - b);
    const of = (view: "tree" | "json") => Math.round(Math.min(...pairs.map((pair) => pair[view][what])));
    console.log(
      `200 x 8 in a terminal, ${what}: tree ${of("tree")}; json ${of("json")}; ratio ${ratios[Math.floor(ROUNDS / 2)]?.toFixed(2)} (${ROUNDS} pairs)`,
    );
  }
}

function rolled(script: string, dir: string, mode: "tree" | "json"): Took {
  const file = join(dir, "took.json");
  // A terminal of 200 x 50, whose screen nobody reads.
  const command = `stty columns 200 rows 50; exec '${process.execPath}' '${script}' ${mode} '${file}'`;
  execFileSync("script", ["-qec", command, "/dev/null"], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, TERM: "xterm-256color" },
  });
  return JSON.parse(readFileSync(file, "utf8")) as Took;
}
