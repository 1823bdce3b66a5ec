import type { HostName } from "../../src/domain/ids.ts";
import { openLocal } from "../../src/hosts/local.ts";

/** Ends what a command on this machine reads, awaits the command's own end, which comes later, and prints that it came. */
const spawned = await openLocal("here" as HostName).spawn(["sh", "-c", "read x; exec >&- 2>&-; sleep 0.5"]);
if (spawned.kind === "spawned") {
  spawned.process.stream.resume().end();
  await spawned.process.closed;
  console.log("closed");
}
