import { STEPS, type ConnectionName, type Faults } from "./story.ts";

/** A configuration with what came of it, by connection. */
export interface Row {
  readonly name: string;
  readonly faults: Readonly<Partial<Record<ConnectionName, Faults | Error>>>;
}

const connections: readonly ConnectionName[] = ["ssh", "local"];

/** Everything about it is right, in every way in which it was rolled. */
export function isRight({ faults }: Row): boolean {
  return Object.values(faults).every((each) => faultsOf(each).length === 0);
}

/** What is wrong, one fault per line. */
export function faultLines({ name, faults }: Row): string[] {
  return connections.flatMap((connection) =>
    faultsOf(faults[connection]).map((fault) => `  ${name}, ${connection}: ${fault}`),
  );
}

function faultsOf(faults: Faults | Error | undefined): string[] {
  if (faults === undefined) return [];
  if (faults instanceof Error) return [faults.message];
  return STEPS.flatMap((step) => faults[step].map((fault) => `${step}: ${fault}`));
}

/** One row per configuration, and the number. */
export function tableText(rows: readonly Row[]): string {
  const titles = [
    "configuration",
    'ssh "*"',
    "ssh pick",
    'local "*"',
    "local pick",
    "fail + report",
    "repair + resume",
    "fully right",
  ];
  const cells = rows.map((row) => {
    const { ssh, local } = row.faults;
    return [
      row.name,
      mark(ssh, ["all"]),
      mark(ssh, ["pick"]),
      mark(local, ["all"]),
      mark(local, ["pick"]),
      both(mark(ssh, ["fail"]), mark(local, ["fail"])),
      both(mark(ssh, ["resume"]), mark(local, ["resume"])),
      isRight(row) ? "yes" : "NO",
    ];
  });
  const widths = titles.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const right = rows.filter(isRight).length;
  return [
    line(titles),
    line(widths.map((width) => "-".repeat(width))),
    ...cells.map(line),
    "",
    `${right} of ${rows.length} configurations are fully right`,
  ].join("\n");
}

function mark(faults: Faults | Error | undefined, steps: readonly (keyof Faults)[]): string {
  if (faults === undefined) return "";
  if (faults instanceof Error) return "broken";
  return steps.every((step) => faults[step].length === 0) ? "ok" : "WRONG";
}

function both(first: string, second: string): string {
  const marks = [...new Set([first, second].filter((each) => each !== ""))];
  return marks.length === 1 ? (marks[0] ?? "") : `ssh ${first}, local ${second}`;
}
