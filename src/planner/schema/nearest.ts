import { distance } from "fastest-levenshtein";

/** The known name that was probably meant, if one is similar enough. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const sought = name.toLowerCase();
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const away = editDistance(sought, candidate.toLowerCase());
    if (away >= bestDistance) continue;
    best = candidate;
    bestDistance = away;
  }
  return best;
}

/** Levenshtein's distance, except that two swapped letters are one mistake, not two: `prot`. */
function editDistance(a: string, b: string): number {
  const away = distance(a, b);
  return away === 2 && sorted(a) === sorted(b) ? 1 : away;
}

function sorted(text: string): string {
  return Array.from(text).sort().join("");
}

/** `did you mean "hosts"?` for an unknown name, if a known one is similar. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const near = nearest(name, known);
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}
