#!/usr/bin/env node
import { EXIT, type ExitCode } from "../domain/failures.ts";
import manifest from "../../package.json" with { type: "json" };
import type { RunArguments } from "./arguments/arguments.ts";
import { commandLine, readArguments } from "./arguments/command-line.ts";
import { BugEnd } from "./terminal/bug.ts";
import { print, WatchedOutputs } from "./terminal/outputs.ts";

/** How long connections may take to close at the end: one may be to a host that hangs. */
const LINGER_MS = 500;

let isOver = false;
/** Of commands that use the streams. */
let outputs: WatchedOutputs | undefined;
const bugEnd = new BugEnd();

// Node ends with this code, and without a word, where nothing is left to wait for: a success must have been reached.
process.exitCode = EXIT.bug;
process.on("beforeExit", () => {
  if (!isOver) bugEnd.with(new Error("nothing was left to wait for in the middle of a command"));
});
// Rejections that nothing handles come here as well.
process.on("uncaughtException", bugEnd.with);

// Code that contacts hosts is imported only where it is needed: ssh2 and listr2 would double the time of `validate`.
async function main(): Promise<ExitCode> {
  const argv = process.argv.slice(2);
  // Called by the completion scripts, with the words of another command line.
  if (argv[0] === "__complete") {
    outputs = new WatchedOutputs();
    return (await import("./completion/complete.ts")).complete(argv.slice(1), commandLine(manifest.version));
  }
  const given = readArguments(argv, manifest.version);
  // It prints past the streams, which takes less time than to load them.
  if (given.command === "validate") return (await import("./commands/validate.ts")).validate(given);
  outputs = new WatchedOutputs();
  switch (given.command) {
    case "exit":
      return given.mistaken ? EXIT.invalid : EXIT.done;
    case "status":
      return (await import("./status/status.ts")).status(given);
    case "history":
      return (await import("./commands/history.ts")).history(given);
    case "report":
      return (await import("./commands/report.ts")).report(given);
    case "completion":
      return (await import("./completion/complete.ts")).printCompletion(given.shell);
    case "run":
      return runPlan(given);
  }
}

async function runPlan(read: RunArguments): Promise<ExitCode> {
  const adHoc = read.adHoc && (await import("./commands/ad-hoc.ts")).planOfWords(read, read.adHoc);
  if (typeof adHoc === "number") return adHoc;
  const given = adHoc?.given ?? read;
  if (given.offline) return (await import("./commands/offline.ts")).showOffline(given);
  if (given.dryRun) return (await import("./commands/dry-run.ts")).dryRun(given);
  return adHoc?.keep() ?? (await import("./commands/run.ts")).run(given, bugEnd);
}

async function end(code: ExitCode): Promise<void> {
  const problem = await outputs?.written();
  if (problem !== undefined) print("stderr", `orchestrate: stdout could not be written: ${problem}\n`);
  process.exitCode = problem !== undefined && code === EXIT.done ? EXIT.halted : code;
  isOver = true;
  // eslint-disable-next-line no-restricted-syntax -- it is for when something else keeps the process alive
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

main().then(end).catch(bugEnd.with);
