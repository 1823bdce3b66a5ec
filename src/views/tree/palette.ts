import { styleText } from "node:util";

type Paint = (text: string) => string;

/** Colours by what they stand for. */
export interface Palette {
  readonly healthy: Paint;
  readonly failed: Paint;
  readonly underWay: Paint;
  readonly notice: Paint;
  readonly faint: Paint;
  readonly strong: Paint;
}

/** Writes everything as it is. */
export const COLOURLESS: Palette = {
  healthy: same,
  failed: same,
  underWay: same,
  notice: same,
  faint: same,
  strong: same,
};

const COLOURED: Palette = {
  healthy: painted("green"),
  failed: painted("red"),
  underWay: painted("yellow"),
  notice: painted("magenta"),
  faint: painted("dim"),
  strong: painted("bold"),
};

/** Colours where the stream shows them. Node's `hasColors` heeds NO_COLOR, FORCE_COLOR and TERM=dumb. */
export function paletteFor(stream: { readonly isTTY?: boolean; hasColors?(): boolean }): Palette {
  return stream.isTTY === true && stream.hasColors?.() === true ? COLOURED : COLOURLESS;
}

function painted(style: "green" | "red" | "yellow" | "magenta" | "dim" | "bold"): Paint {
  return (text) => styleText(style, text, { validateStream: false });
}

function same(text: string): string {
  return text;
}
