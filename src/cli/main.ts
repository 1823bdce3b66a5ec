#!/usr/bin/env node
import { EXIT, type ExitCode } from "../domain/failures.ts";
import manifest from "../../package.json" with { type: "json" };
import { commandLine, readArguments } from "./command-line.ts";
import { reportBug } from "./bug.ts";

// What contacts hosts is imported only where it is wanted: ssh2 and listr2 would double the time that `validate` takes.
async function main(): Promise<ExitCode> {
  const argv = process.argv.slice(2);
  // What the completion scripts ask: its words are those of another command line.
  if (argv[0] === "__complete") {
    mindNoClosedPipes();
    return (await import("./completion/complete.ts")).complete(argv.slice(1), commandLine(manifest.version));
  }
  const given = readArguments(argv, manifest.version);
  // It prints past the streams, which takes less time than to load them.
  if (given.command === "validate") return (await import("./validate.ts")).validate(given);
  mindNoClosedPipes();
  switch (given.command) {
    case "exit":
      return given.mistaken ? EXIT.invalid : EXIT.done;
    case "status":
      return (await import("./status.ts")).status(given);
    case "history":
      return (await import("./history.ts")).history(given);
    case "report":
      return (await import("./history.ts")).report(given);
    case "completion":
      return (await import("./completion/complete.ts")).printCompletion(given.shell);
    case "run":
      if (given.offline) return (await import("./offline.ts")).showOffline(given);
      if (given.dryRun) return (await import("./dry-run.ts")).dryRun(given);
      return (await import("./run.ts")).run(given);
  }
}

/** `orchestrate … | head`: who reads no further is no error. A run takes it for a wish to stop: signals.ts. */
function mindNoClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (bug: unknown) => {
    reportBug(bug);
    // What a bug left open must not keep the process alive.
    process.exit(EXIT.bug);
  },
);
