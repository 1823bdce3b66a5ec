import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { folded } from "../../domain/folding.ts";
import type { HostName } from "../../domain/ids.ts";
import { printableJson } from "../../domain/printable.ts";
import { counted } from "../../domain/counted.ts";
import { systemClock } from "../../executor/system-clock.ts";
import { wholeSeconds } from "../../views/words/counting.ts";
import type { FleetStatus } from "./fleet-status.ts";
import { statusLines } from "./status-table.ts";
import { WatchScreen } from "./watch-screen.ts";

export const WATCH_EVERY_MS = 2000;

const REDRAW_EVERY_MS = 1000;

/** More names than these say no more than their number. */
const MOST_NAMED_HOSTS = 3;

/** The fleet that is looked at again and again. */
export interface Watched {
  /** The hosts that have not answered in the present look. */
  readonly waitsFor: ReadonlySet<HostName>;
  /** Undefined once it was stopped. */
  look(): Promise<FleetStatus | undefined>;
  lookAgain(): Promise<FleetStatus | undefined>;
}

/** Ctrl-C is the usual way to end it, so that is no interruption. The last screen stays at the terminal. */
export async function watch(watched: Watched, output: "text" | "json"): Promise<ExitCode> {
  if (output === "json") {
    for (let seen = await watched.look(); seen; seen = await watched.lookAgain())
      process.stdout.write(`${printableJson(seen)}\n`);
    return EXIT.done;
  }
  const screen = new WatchScreen(process.stdout);
  let last: FleetStatus | undefined;
  const draw = () => {
    const lines = last ? [...statusLines(last, process.stdout.columns), ""] : [];
    screen.draw([...lines, footer(last?.at, watched.waitsFor, systemClock.now())]);
  };
  let ticking: { cancel(): void } | undefined;
  const tick = () => {
    draw();
    ticking = systemClock.wakeAt(systemClock.monotonicMs() + REDRAW_EVERY_MS, tick);
  };
  try {
    const first = watched.look();
    tick();
    for (let seen = await first; seen; seen = await watched.lookAgain()) {
      last = seen;
      draw();
    }
  } finally {
    ticking?.cancel();
    screen.close();
  }
  if (last) process.stdout.write(`${statusLines(last, process.stdout.columns).join("\n")}\n`);
  return EXIT.done;
}

/**
 * How old the picture is, and what a newer one waits for.
 * @param at when it was taken, ISO 8601; undefined while there is none
 */
export function footer(at: string | undefined, waitsFor: ReadonlySet<HostName>, now: Date): string {
  const age = at === undefined ? undefined : wholeSeconds(Math.max(0, now.getTime() - Date.parse(at)));
  const taken = at === undefined ? "no answer yet" : `as of ${at.slice(11, 19)} UTC, ${age} ago`;
  return `${taken}${waitText([...waitsFor])}; every ${WATCH_EVERY_MS / 1000}s, Ctrl-C to quit`;
}

function waitText(hosts: readonly HostName[]): string {
  if (hosts.length === 0) return "";
  const names = folded(hosts.slice(0, MOST_NAMED_HOSTS));
  const more = hosts.length - MOST_NAMED_HOSTS;
  return `; waiting for ${names}${more > 0 ? ` and ${counted(more, "more host")}` : ""}`;
}
