import { expandNodeSet } from "../../../src/domain/node-set.ts";

/** Instances of one host as the preview's text names them: so many at a time, in this order. */
export interface UnfoldedRun {
  readonly names: readonly string[];
  readonly atOnce: number;
  /** What is not simply restarted: `start`, `stop`, `signal HUP`, or nothing, and which of them. */
  readonly mark: string | undefined;
  readonly marked: readonly string[];
}

export interface UnfoldedHost {
  readonly host: string;
  readonly runs: readonly UnfoldedRun[];
}

export interface UnfoldedBatch {
  readonly wave: number;
  readonly batch: number;
  readonly hosts: readonly UnfoldedHost[];
}

const WAVE = /^wave (\d+) of \d+: /;
const LOCKSTEP = /^ {2}batch(?:es)? (\d+)(?:-\d+)? of \d+: (\d+) hosts?/;
const SLIDING = /^ {2}(\d+) hosts?, (?:one|\d+) at a time, the next/;
const RUN = /^(.*?)(?: (one|\d+) at a time| (together))?(?: \((start|stop|signal [A-Z0-9]+)(?:: (.*))?\))?$/;

/** Reads a preview's text back into what it says: every batch with its hosts, every host with its instances. */
export function unfold(preview: string): UnfoldedBatch[] {
  const batches: UnfoldedBatch[] = [];
  let wave = 0;
  let block: { first: number; size: number; hosts: UnfoldedHost[] } | undefined;
  const close = () => {
    if (!block) return;
    for (let start = 0; start < block.hosts.length; start += block.size)
      batches.push({
        wave,
        batch: block.first + start / block.size,
        hosts: block.hosts.slice(start, start + block.size),
      });
    block = undefined;
  };
  for (const line of preview.split("\n")) {
    const lockstep = LOCKSTEP.exec(line);
    const sliding = SLIDING.exec(line);
    const row = block && /^ {4}(\S.*?) {2,}(\S.*)$/.exec(line);
    if (row) block?.hosts.push(...names(row[1]!).map((host) => ({ host, runs: runsOf(row[2]!) })));
    else close();
    if (WAVE.test(line)) wave = Number(WAVE.exec(line)?.[1]);
    if (lockstep) block = { first: Number(lockstep[1]), size: Number(lockstep[2]), hosts: [] };
    if (sliding) block = { first: 1, size: Number(sliding[1]), hosts: [] };
  }
  return batches;
}

/** `host instance` of all that the preview says is restarted, in the order of its lines. */
export function unfoldedRestarts(preview: string): string[] {
  return unfold(preview).flatMap(({ hosts }) =>
    hosts.flatMap(({ host, runs }) => runs.flatMap((run) => run.names.map((instance) => `${host} ${instance}`))),
  );
}

function runsOf(text: string): UnfoldedRun[] {
  return text.split(", then ").map((run) => {
    const [, folded = "", number, together, mark, some] = RUN.exec(run) ?? [];
    const instances = names(folded);
    const atOnce = together ? instances.length : number === undefined || number === "one" ? 1 : Number(number);
    return { names: instances, atOnce, mark, marked: mark === undefined ? [] : some ? names(some) : instances };
  });
}

function names(folded: string): string[] {
  return folded.split(" ").flatMap((text) => {
    const expansion = expandNodeSet(text);
    if ("problem" in expansion) throw new Error(expansion.problem);
    return expansion.names;
  });
}
