import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "yaml";

/** What a process looks like when nothing is being done to it. */
type State = "RUNNING" | "STARTING" | "STOPPED" | "EXITED" | "FATAL";

/** `all` is `programs: "*"`, `pick` what an operator would name. */
export type SelectionName = "all" | "pick";

/** What `expected.yaml` says of a configuration. Processes are named without their group; no two have one name. */
interface ExpectedFile {
  /** The public project that it is from. */
  readonly whose: string;
  /** What is particular about it. */
  readonly kind: string;
  /** The environment of its supervisord. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The main file. Default: supervisord.conf. */
  readonly config?: string;
  /** Its supervisord logs no restarts: the ledger of the stubs is evidence instead. */
  readonly silent_log?: true;
  /** Keys of the plan's `supervisor` instead of `config`. */
  readonly supervisor?: Readonly<Record<string, string>>;
  /** The plan's `programs` where `"*"` would not do. */
  readonly all?: readonly string[];
  /** The plan's `programs` that an operator would write. */
  readonly pick: readonly string[];
  /** What is restarted, by selection. */
  readonly restarts: Readonly<Record<SelectionName, readonly string[]>>;
  /** Chains of which each comes before the next. */
  readonly order?: Partial<Readonly<Record<SelectionName, readonly (readonly string[])[]>>>;
  /** Default: RUNNING. */
  readonly at_rest?: Readonly<Record<string, State>>;
  /** Event listeners: left alone by `"*"`, and the preview says so. */
  readonly listeners?: readonly string[];
  /** What has done its work: left alone, and the preview says so. */
  readonly one_shots?: readonly string[];
  /** Workers that end by design and are started again. */
  readonly ends_by_itself?: readonly string[];
  /** Those that die when another one is restarted. */
  readonly dies_with_another?: readonly string[];
  /** Those whose old process outlives their restart: named by the report. */
  readonly leaves_behind?: readonly string[];
  /** Keys that a person adds to the plan. */
  readonly plan?: Readonly<Record<string, unknown>>;
  /** More of them, for `"*"`. */
  readonly all_plan?: Readonly<Record<string, unknown>>;
  /** `limits.min_healthy` for the operator's pick, and what it comes to for one program: so many of the named stay up. */
  readonly floor?: {
    readonly min_healthy: string;
    readonly program: string;
    readonly lowest: number;
    readonly names: readonly string[];
  };
  /** What the preview of the operator's pick must say: regular expressions. */
  readonly preview?: readonly string[];
  /** Any restart ends supervisord: no rollout can succeed. */
  readonly every_restart_ends_supervisord?: true;
  readonly fails: {
    readonly process: string;
    /** A listener ends supervisord for it. */
    readonly ends_supervisord?: true;
    /** Where the text of the error is if the report cannot show it. Default: the report shows it. */
    readonly text?: "syslog" | "container" | "nowhere";
  };
}

export interface Configuration {
  readonly name: string;
  readonly expected: ExpectedFile;
  /** Supervisor's files, by their path within the configuration. */
  readonly files: ReadonlyMap<string, string>;
}

const folder = join(import.meta.dirname, "configurations");

/** All of them, by name. */
export function configurations(): Configuration[] {
  return readdirSync(folder)
    .sort()
    .map((name) => configuration(name));
}

/** @throws Error when there is none of this name */
export function configuration(name: string): Configuration {
  const dir = join(folder, name);
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(dir, path), readFileSync(path, "utf8")] as const;
  });
  const all = new Map(files);
  const expected = parse(all.get("expected.yaml") ?? "") as ExpectedFile;
  all.delete("expected.yaml");
  return { name, expected, files: all };
}
