import { fillShown, pidValues, placeholderValues } from "./placeholders.ts";
import type { HostName, InstanceName } from "./ids.ts";
import { templateOf, type Check, type Vars } from "./settings.ts";

/** What a check is asked of. */
export interface Asked {
  readonly host: HostName;
  readonly address: string;
  readonly instance: InstanceName;
  readonly vars: Vars;
  /** Of its process, and of the one that it has replaced. */
  readonly pid?: number;
  readonly previousPid?: number;
}

/** What a check asks of one instance, to be pasted: its URL, `tcp` and its address, or its command. */
export function resolvedCheck(check: Check, { instance, pid, previousPid, ...of }: Asked): string {
  const pids = pidValues({ ...(pid !== undefined && { pid }), ...(previousPid !== undefined && { previousPid }) });
  const values = placeholderValues({ ...of, ...pids }, instance);
  const text = fillShown(templateOf(check), values, check.kind === "command" ? "shell" : "url");
  return check.kind === "tcp" ? `tcp ${text}` : text;
}
