/** A controller that is killed in the middle of a bounded command. Its argument says which host, and where to tell. */
import type { HostTarget } from "../../src/domain/target.ts";
import { openHost } from "../../src/hosts/open.ts";
import type { SshOptions } from "../../src/hosts/ssh-config/ssh-route.ts";

interface Given {
  readonly target: HostTarget;
  readonly options: SshOptions;
  readonly pipe: string;
}

const { target, options, pipe } = JSON.parse(process.argv[2] ?? "") as Given;
// Its time runs while the test hears of it and kills us: it must not be over by then.
await openHost(target, options).run(["sh", "-c", 'echo $$ > "$1"; exec sleep 600', "sh", pipe], { timeoutMs: 10_000 });
