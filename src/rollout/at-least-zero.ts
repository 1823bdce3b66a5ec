/** One less. @throws below zero: that is a bug, and nothing may be decided on such a count */
export function oneLess(count: number, what: string): number {
  if (count === 0) throw new Error(`the count of ${what} would go below zero`);
  return count - 1;
}
