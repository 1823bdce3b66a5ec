import type { Check } from "./settings.ts";

/** In bytes: RFC 1035, 2.3.4. */
const LONGEST_NAME = 253;

/** A name that a resolver takes, or an address. */
const HOST = /^(?:\[[^\]]+\]|[^.%]{1,63}(?:\.[^.%]{1,63})*\.?)$/;

/**
 * Where an http or tcp check asks, from its text with all placeholders filled in; undefined where that is no place to ask,
 * whatever becomes of the world: no URL, no port of its own, a host that no resolver looks up.
 * Filled-in values may hold a secret: the URL that they give is never shown.
 */
export function urlOf({ kind }: Pick<Check, "kind">, filled: string): URL | undefined {
  const text = kind === "tcp" ? `tcp://${filled}` : filled;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isOfKind = kind === "tcp" ? url.port !== "" : url.protocol === "http:" || url.protocol === "https:";
  const isHost = HOST.test(url.hostname) && url.hostname.length <= LONGEST_NAME;
  return isOfKind && isHost && url.port !== "0" ? url : undefined;
}
