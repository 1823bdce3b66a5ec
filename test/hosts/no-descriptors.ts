import { openSync } from "node:fs";
import type { HostName } from "../../src/domain/ids.ts";
import { openLocal } from "../../src/hosts/local.ts";

/** Uses up its file descriptors, then tries to start commands on this machine, and prints what became of that. */
const access = openLocal("here" as HostName);
try {
  for (;;) openSync("/dev/null", "r");
} catch {
  const ran = await access.run(["true"]);
  const spawned = await access.spawn(["true"]);
  console.log(ran.kind, spawned.kind);
}
