import { EVENT_KINDS, type EventRow, type PageData } from "../page-data.ts";
import { byId, clock, element, inputOf, selectOf } from "./dom.ts";

/** More rows than this at once would make the page slow. */
const ROWS_AT_ONCE = 300;

/** The list of events with its search; it shows some rows at a time. */
export function listEvents({ events, beganAtMs }: PageData): void {
  const [search, kind] = [inputOf("event-search"), selectOf("event-kind")];
  const [rows, more, shown] = [byId("event-rows"), byId("more-events"), byId("events-shown")];
  if (!search || !kind || !rows || !more || !shown) return;
  const texts = events.map(([, , about, text]) => `${about} ${text}`.toLowerCase());
  let found: readonly EventRow[] = events;

  const showMore = () => {
    const from = rows.childElementCount;
    rows.append(...found.slice(from, from + ROWS_AT_ONCE).map((event) => rowOf(event, beganAtMs)));
    more.hidden = rows.childElementCount >= found.length;
    shown.textContent = `${found.length === events.length ? "" : `${found.length} of `}${events.length} events${more.hidden ? "" : `, the first ${rows.childElementCount} shown`}`;
  };
  const find = () => {
    const words = search.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const wanted = kind.value === "" ? -1 : EVENT_KINDS.findIndex((each) => each === kind.value);
    found = events.filter(
      ([, kindOf], index) =>
        (wanted === -1 || kindOf === wanted) && words.every((word) => texts[index]?.includes(word)),
    );
    rows.replaceChildren();
    showMore();
  };
  search.addEventListener("input", find);
  kind.addEventListener("change", find);
  more.addEventListener("click", showMore);
  find();
}

function rowOf([atMs, kind, about, text]: EventRow, beganAtMs: number): HTMLTableRowElement {
  const row = element("tr", "", EVENT_KINDS[kind] ?? "");
  const time = element("th", clock(beganAtMs + atMs));
  time.scope = "row";
  row.append(time, element("td", about), element("td", text));
  return row;
}
