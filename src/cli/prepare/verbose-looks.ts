import type { HostName } from "../../domain/ids.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { FleetHost } from "../../executor/ports.ts";
import { folded, groupedBy } from "../../domain/folding.ts";
import { section } from "../../planner/preview/preview-words.ts";

/** How each host was queried, similar hosts on one line: it explains why a look takes long. */
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
