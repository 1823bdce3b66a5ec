/** Judges seeds, and reports to its parent what each violates: FROM, SEEDS, STEP, and after how many violations it ends. */
import { judgeSeed } from "./ways.ts";

const [from = 1, seeds = 0, step = 1, most = 1] = process.argv.slice(2).map(Number);

async function work(): Promise<void> {
  let found = 0;
  for (let seed = from; seed < from + seeds && found < most; seed += step)
    for (const violated of await judgeSeed(seed)) {
      found++;
      process.stdout.write(`${JSON.stringify(violated)}\n`);
    }
}

void work();
