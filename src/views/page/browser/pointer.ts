import { byId, svg } from "./dom.ts";
import type { TimeView } from "./view.ts";

/** Shows a line about the point of a chart under the pointer. The tables say the same. */
export function tipOn(cell: HTMLElement, textAt: (x: number, width: number, y: number) => string | undefined): void {
  const tip = byId("tip");
  if (!tip) return;
  cell.addEventListener("pointermove", (event) => {
    const box = cell.getBoundingClientRect();
    const text = textAt(event.clientX - box.left, box.width, event.clientY - box.top);
    tip.hidden = text === undefined;
    if (text === undefined) return;
    tip.textContent = text;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    const top =
      event.clientY + 18 + tip.offsetHeight > window.innerHeight
        ? event.clientY - tip.offsetHeight - 10
        : event.clientY + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  });
  cell.addEventListener("pointerleave", () => (tip.hidden = true));
}

/** Too short a drag is a click. */
const SHORTEST_DRAG = 6;

/** Dragging over a drawing shows that part of the time. */
export function dragToZoom(cell: HTMLElement, view: TimeView): void {
  let from: number | undefined;
  const place = (event: PointerEvent) => event.clientX - cell.getBoundingClientRect().left;
  cell.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    from = place(event);
    cell.setPointerCapture(event.pointerId);
  });
  cell.addEventListener("pointermove", (event) => {
    if (from === undefined) return;
    const to = place(event);
    const drawing = cell.querySelector("svg");
    drawing?.querySelector(".selection")?.remove();
    drawing?.append(
      svg("rect", { class: "selection", x: Math.min(from, to), width: Math.abs(to - from), y: 0, height: "100%" }),
    );
  });
  const end = (event: PointerEvent) => {
    if (from === undefined) return;
    const [left, right] = [from, place(event)].sort((a, b) => a - b) as [number, number];
    from = undefined;
    cell.querySelector(".selection")?.remove();
    if (right - left < SHORTEST_DRAG) return;
    view.show(view.at(left, cell.clientWidth), view.at(right, cell.clientWidth));
  };
  cell.addEventListener("pointerup", end);
  cell.addEventListener("pointercancel", () => (from = undefined));
}
