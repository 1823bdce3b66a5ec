import { openSync } from "node:fs";
import type { HostName } from "../../src/domain/ids.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openSystemSsh } from "../../src/hosts/system-ssh/system-ssh.ts";
import { SystemMaster } from "../../src/hosts/system-ssh/system-master.ts";
import { targetAt } from "./fixtures.ts";

/** Uses up its file descriptors, then tries to start commands and the ssh program, and prints what became of that. */
const access = openLocal("here" as HostName);
try {
  for (;;) openSync("/dev/null", "r");
} catch {
  const ran = await access.run(["true"]);
  const spawned = await access.spawn(["true"]);
  const connected = await openSystemSsh(targetAt("127.0.0.1", {}), { configFile: "none" }).connect();
  const master = await SystemMaster.start(() => []).then(
    () => "started",
    (error: unknown) => (error as Error).message,
  );
  console.log([ran.kind, spawned.kind, connected.kind, master].join(", "));
}
