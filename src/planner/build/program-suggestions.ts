import { processOf, programOf, type InstanceName } from "../../domain/ids.ts";
import { didYouMean } from "../schema/nearest.ts";

/** What was probably meant by a program that a host does not have. */
export function programMeant(selector: string, instances: readonly InstanceName[]): string | undefined {
  const groups = [...new Set(instances.map(programOf))];
  const words = selector.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length > 1)
    return `several programs are a list: [${words.join(", ")}], or ${words.map((word) => `--program ${word}`).join(" ")}`;
  if (selector === "all") return 'for every program write "*"';
  // Supervisor's sections are called so, and its own name of a whole group is `shop:*`.
  const bare = selector.replace(/^(?:program|group):/, "").replace(/:$/, "");
  if (bare !== selector && groups.some((group) => group === bare)) return asked([bare]);
  return asked(inGroups(bare, instances)) ?? didYouMean(selector, selector.includes(":") ? instances : groups);
}

/** `app:web` for `web`, and `app:web_*` where the program has several processes in a group of another name. */
function inGroups(process: string, instances: readonly InstanceName[]): string[] {
  const alike = instances.flatMap((instance) => {
    const name = processOf(instance);
    if (name === process) return [instance];
    return name.replace(/[_-]?\d+$/, "") === process ? [`${programOf(instance)}:${process}*`] : [];
  });
  return [...new Set(alike)];
}

const MOST = 3;

function asked(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const some = names.slice(0, MOST).map((name) => JSON.stringify(name));
  return `did you mean ${some.join(" or ")}?`;
}
