import { FULL } from "../amount.ts";
import type { FleetOptions } from "../fleet/fleet.ts";

export type Way = NonNullable<FleetOptions["reachedBy"]>;

/**
 * Describes what has to hold however a plan reaches its hosts: by ssh, and with `connection: local` in `npm run
 * test:full`.
 *
 * @param alwaysLocal with `connection: local` in every `npm test` as well
 */
export function describeEachWay(
  title: string,
  define: (way: Way) => void,
  { alwaysLocal = false }: { readonly alwaysLocal?: boolean } = {},
): void {
  describe(title, () => define("ssh"));
  if (FULL || alwaysLocal) describe(`${title}, with \`connection: local\``, () => define("local"));
}
