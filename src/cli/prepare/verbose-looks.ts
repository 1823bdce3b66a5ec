import type { HostName } from "../../domain/ids.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { FleetHost } from "../../executor/ports.ts";
import { folded, groupedBy } from "../../domain/folding.ts";
import { section } from "../../planner/preview/preview-words.ts";

/** By which way each host was looked at, hosts alike on one line: for who wonders why a look takes long. */
export function verboseLooksText(fleet: ReadonlyMap<HostName, FleetHost>): string {
  const ways = [...fleet].flatMap(([host, { supervisor }]) => {
    const way = supervisor.way();
    return way ? [{ host, text: `${way.kind}: ${way.why}` }] : [];
  });
  const lines = groupedBy(ways, ({ text }) => text).map(
    (alike) => `${folded(alike.map(({ host }) => host))} by ${onOneLine(alike[0]?.text ?? "")}`,
  );
  return lines.length === 0 ? "" : `${section("looked at", lines).join("\n")}\n`;
}
