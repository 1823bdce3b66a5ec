import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Violated } from "./ways.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** So many violations are enough to know that there are some. */
const MOST = 10;

export interface Seeds {
  readonly from: number;
  readonly seeds: number;
}

export interface Spread {
  /** Default: as many as there are processors. */
  readonly processes?: number;
  /** Invocation with each as it is found. */
  readonly onViolated?: (violated: Violated) => void;
}

/** What a range of seeds violates. */
export async function judgeSeeds({ from, seeds }: Seeds, spread: Spread = {}): Promise<Violated[]> {
  const { processes = availableParallelism(), onViolated } = spread;
  const step = Math.min(processes, seeds);
  return withBundle(new Map(), async (bundle) => {
    const parts = Array.from({ length: step }, (_, index) =>
      work(bundle, { from: from + index, seeds: seeds - index, step, most: MOST }, onViolated),
    );
    return (await Promise.all(parts)).flat().sort((a, b) => a.seed - b.seed);
  });
}

/** The first that is violated with these texts in the place of source files, whose paths are those in the project. */
export function firstViolated(texts: ReadonlyMap<string, string>, seeds: number): Promise<Violated | undefined> {
  return withBundle(texts, async (bundle) => (await work(bundle, { from: 1, seeds, step: 1, most: 1 }))[0]);
}

/** In one file, which starts sooner and runs faster than sources that are compiled one by one. */
async function withBundle<T>(texts: ReadonlyMap<string, string>, use: (bundle: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "orchestrate-sim-"));
  try {
    const outfile = join(dir, "worker.cjs");
    await build({
      absWorkingDir: ROOT,
      entryPoints: ["test/sim/worker.ts"],
      outfile,
      bundle: true,
      platform: "node",
      format: "cjs",
      sourcemap: "inline",
      logLevel: "error",
      plugins: [
        {
          name: "texts",
          setup(bundler) {
            bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
              const contents = texts.get(relative(ROOT, path));
              return contents === undefined ? undefined : { contents, loader: "ts" };
            });
          },
        },
      ],
    });
    return await use(outfile);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface Part extends Seeds {
  readonly step: number;
  readonly most: number;
}

async function work(
  bundle: string,
  { from, seeds, step, most }: Part,
  onViolated?: (violated: Violated) => void,
): Promise<Violated[]> {
  // What a story makes is young and soon forgotten: room for it saves a tenth of the time.
  const args = ["--enable-source-maps", "--max-semi-space-size=64", bundle, ...[from, seeds, step, most].map(String)];
  const worker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => worker.on("close", resolve));
  const violated: Violated[] = [];
  for await (const line of createInterface({ input: worker.stdout })) {
    const one = JSON.parse(line) as Violated;
    violated.push(one);
    onViolated?.(one);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`a process of the simulator ended with ${code}`);
  return violated;
}
