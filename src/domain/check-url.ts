import type { Check } from "./settings.ts";

/**
 * Where an http or tcp check asks, from its text with all placeholders filled in; undefined where that is no place to ask.
 * What is filled in may hold a secret: nobody is shown what it makes of a URL.
 */
export function urlOf({ kind }: Check, filled: string): URL | undefined {
  const text = kind === "tcp" ? `tcp://${filled}` : filled;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return kind === "tcp" || url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
}
