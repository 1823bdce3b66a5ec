/**
 * `npm run real`: rolls every configuration over ssh and locally, and prints the table. `npm run real -- awx plone` only
 * these, `-- --ssh` or `-- --local` only one way; REAL_VERBOSE=1 shows all that was printed. Exits with 1 unless all is right.
 */
import pLimit from "p-limit";
import { configuration, configurations } from "./configuration.ts";
import { rollConfiguration, type ConnectionName } from "./story.ts";
import { faultLines, isRight, tableText, type Row } from "./table.ts";

/** Most of the time is spent in waiting for startsecs. */
const atOnce = 6;

async function real(words: readonly string[]): Promise<number> {
  const names = words.filter((word) => !word.startsWith("--"));
  const chosen = names.length === 0 ? configurations() : names.map(configuration);
  const connections = (["ssh", "local"] as const).filter(
    (each) => !words.includes(each === "ssh" ? "--local" : "--ssh"),
  );
  const limit = pLimit(atOnce);
  const rows = await Promise.all(
    chosen.map(async (each): Promise<Row> => {
      const results = await Promise.all(
        connections.map((connection) => limit(() => rolled(each, connection).then((faults) => [connection, faults]))),
      );
      const row: Row = { name: each.name, faults: Object.fromEntries(results) as Row["faults"] };
      console.error(isRight(row) ? `${row.name}: right` : [`${row.name}:`, ...faultLines(row)].join("\n"));
      return row;
    }),
  );
  console.log(tableText(rows));
  return rows.every(isRight) ? 0 : 1;
}

async function rolled(each: Parameters<typeof rollConfiguration>[0], connection: ConnectionName) {
  try {
    return await rollConfiguration(each, connection);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

process.exitCode = await real(process.argv.slice(2));
