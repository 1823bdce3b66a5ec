import { readFileSync } from "node:fs";
import { parse } from "node:path";
import { expandEnvironment, type Environment } from "../../domain/environment.ts";
import { exclusionOf } from "../../domain/selector.ts";
import { expandNodeSet } from "../../domain/node-set.ts";
import { isPlainMap } from "../text/compose.ts";
import { readLayers } from "./layers.ts";

/** The names in a plan's files, for the completion of plans and command lines that are still being written. */
export interface PlanNames {
  readonly name: string;
  /** Node sets expanded. */
  readonly hosts: readonly string[];
  readonly groups: readonly string[];
  /** As the plan writes them: Supervisor groups, `group:process`, globs. */
  readonly programs: readonly string[];
}

/**
 * Reads the names in a plan and in those that it extends, even if they have errors. Nothing is contacted and no program
 * is run: hosts that only an inventory has are missing.
 */
export function planNames(file: string, env: Environment): PlanNames | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const data = readLayers(file, text, env).document?.data;
  if (!isPlainMap(data)) return undefined;
  const { name, hosts, groups } = data;
  const levels = [data, ...valuesOf(groups), ...valuesOf(hosts)];
  return {
    name: expanded(name, env) ?? parse(file).name,
    hosts: keysOf(hosts).flatMap((key) => {
      const expansion = expandNodeSet(key);
      return "problem" in expansion ? [] : expansion.names;
    }),
    groups: keysOf(groups),
    programs: unique(
      levels
        .flatMap((level) => (isPlainMap(level) ? [level["programs"]].flat() : []))
        .flatMap((each) => (isPlainMap(each) ? Object.keys(each) : [each]))
        .filter((each) => typeof each !== "string" || exclusionOf(each) === undefined)
        .flatMap((each) => expanded(each, env) ?? []),
    ),
  };
}

function keysOf(section: unknown): string[] {
  return isPlainMap(section) ? Object.keys(section) : [];
}

function valuesOf(section: unknown): unknown[] {
  return isPlainMap(section) ? Object.values(section) : [];
}

function expanded(value: unknown, env: Environment): string | undefined {
  return typeof value === "string" ? expandEnvironment(value, env) : undefined;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
