import type { WavePlace } from "../../domain/rollout.ts";
import { placeText } from "../../domain/wave-hooks.ts";

interface About extends Partial<WavePlace> {
  readonly host?: string;
  readonly instance?: string;
}

/**
 * What something is about: `web-01 web:web_00`, `web-01`, `wave 1 (web) batch 2`, or nothing where it is the whole rollout.
 * Not sanitised: it contains text of hosts.
 */
export function subjectOf({ host, instance, wave, group, batch }: About): string {
  if (host === undefined && wave !== undefined && group !== undefined)
    return placeText({ wave, group, ...(batch !== undefined && { batch }) });
  return [host, instance].filter((part) => part !== undefined).join(" ");
}
