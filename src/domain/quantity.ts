/** A whole number of hosts or instances, or a share of them in percent, as a plan writes it (`3`, `25%`). */
export type Quantity = { readonly count: number } | { readonly percent: number };

/** Reads `3` or `"25%"`; undefined for anything else. The schema has already bounded the number. */
export function parseQuantity(value: number | string): Quantity | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? { count: value } : undefined;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1];
  if (percent !== undefined) return { percent: Number(percent) };
  return /^\d+$/.test(value) ? { count: Number(value) } : undefined;
}

/** How many to take at once out of `total`: rounds down, but at least 1. */
export function takeAtOnce(quantity: Quantity, total: number): number {
  const wanted = "count" in quantity ? quantity.count : share(quantity.percent, total, Math.floor);
  return Math.max(1, wanted);
}

/** How many out of `total` to keep: rounds up. */
export function keep(quantity: Quantity, total: number): number {
  return "count" in quantity ? quantity.count : share(quantity.percent, total, Math.ceil);
}

/** How many out of `total` to tolerate: rounds down, to 0 if need be. */
export function tolerate(quantity: Quantity, total: number): number {
  return "count" in quantity ? quantity.count : share(quantity.percent, total, Math.floor);
}

/** Writes a quantity as the plan does. */
export function formatQuantity(quantity: Quantity): string {
  return "count" in quantity ? String(quantity.count) : `${quantity.percent}%`;
}

/** `percent` of `total`, rounded only after what binary fractions add is cut off: 7% of 100 is 7, not 7.000000000000001. */
function share(percent: number, total: number, round: (value: number) => number): number {
  return round(Number(((percent * total) / 100).toFixed(9)));
}
