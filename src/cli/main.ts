#!/usr/bin/env node
import { EXIT, type ExitCode } from "../domain/failures.ts";
import manifest from "../../package.json" with { type: "json" };
import { readArguments } from "./arguments.ts";
import { reportBug } from "./bug.ts";
import { validate } from "./validate.ts";

async function main(): Promise<ExitCode> {
  const given = readArguments(process.argv.slice(2), manifest.version);
  switch (given.command) {
    case "exit":
      return given.mistaken ? EXIT.invalid : EXIT.done;
    case "validate":
      return validate(given.plans);
    case "run": {
      // Imported only here: ssh2 and listr2 would double the time that `validate` takes.
      const { run } = await import("./run.ts");
      return run(given);
    }
  }
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
