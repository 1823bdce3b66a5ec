import { parse, resolve } from "node:path";
import type { Environment } from "../../domain/environment.ts";
import type { HostName } from "../../domain/ids.ts";
import { isPlainMap } from "../text/compose.ts";
import { given, pathBase, resolvePath } from "./connection-settings.ts";
import { sortDiagnostics, type Diagnostic } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import { Findings } from "../text/findings.ts";
import { abstractFault, LEFT_OPEN } from "./abstract.ts";
import { readGroups } from "./groups.ts";
import { readRevertHooks, readRolloutHooks } from "./hooks.ts";
import { readHostNames } from "./host-names.ts";
import { withInventory, type ReadInventory } from "./inventory.ts";
import { readLayers } from "./layers.ts";
import { readLimits } from "./limits.ts";
import { settleNulls } from "./nulls.ts";
import { readPlanFile } from "./plan-file.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { Plan } from "./plan.ts";
import type { RawPlan } from "../schema/raw-plan.ts";
import { resolveReferences } from "../schema/references.ts";
import { judgeBySchema, withoutRefused } from "../schema/schema-errors.ts";
import { withSettings } from "./set-layer.ts";
import { judgeStrayPlaceholders } from "./stray-placeholders.ts";
import { readTargets } from "./targets.ts";
import { readTurns } from "./turns.ts";
import { readWaves } from "./waves.ts";

/** A plan, or everything that is wrong with it. */
export type LoadedPlan =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** A plan, a base for other plans, or everything that is wrong with it. */
export type CheckedPlan = LoadedPlan | { readonly ok: true; readonly warnings: readonly Diagnostic[] };

/** Readers for files other than plans. */
export interface LoadOptions {
  /** Reads the inventory of `hosts_from`. */
  readonly inventory?: ReadInventory;
  /** Settings of the command line, each `KEY=VALUE`: they replace what the plan says. */
  readonly settings?: readonly string[];
}

/**
 * Reads and checks a plan's file; one that is only a base for others is not in order. `env` is for `${NAME}`, and gives
 * HOME, for paths that begin with `~`.
 */
export function loadPlan(file: string, env: Environment, options: LoadOptions = {}): LoadedPlan {
  return notAbstract(checkPlan(file, env, options), file, env);
}

/** The same, for a text from that file; its paths are relative to it. */
export function parsePlan(text: string, file: string, env: Environment, options: LoadOptions = {}): LoadedPlan {
  return notAbstract(checkText(text, file, env, options), file, env);
}

/** Reads and checks a plan's file; a base for other plans is checked as far as it goes. */
export function checkPlan(file: string, env: Environment, options: LoadOptions = {}): CheckedPlan {
  const read = readPlanFile(file);
  return "diagnostic" in read
    ? { ok: false, diagnostics: [read.diagnostic] }
    : checkText(read.text, file, env, options);
}

function notAbstract(checked: CheckedPlan, file: string, env: Environment): LoadedPlan {
  if (!checked.ok || "plan" in checked) return checked;
  return { ok: false, diagnostics: [abstractFault(file, env)] };
}

function checkText(text: string, file: string, env: Environment, options: LoadOptions): CheckedPlan {
  const read = readLayers(file, text, env);
  if (!read.document) return { ok: false, diagnostics: sortDiagnostics(read.diagnostics, file) };
  const { settings = [] } = options;
  const set = withSettings(read.document, settings);
  const layers = { ...read, document: set.document, diagnostics: [...read.diagnostics, ...set.diagnostics] };
  const isAbstract = isPlainMap(layers.document.data) && layers.document.data["abstract"] === true;
  const resolved = resolveReferences(layers.document, env);
  const ofInventory = new Findings(resolved.document);
  const merged = isAbstract ? resolved.document : addInventory(resolved.document, env, options.inventory, ofInventory);
  const ofNulls = new Findings(merged ?? resolved.document);
  const document = settleNulls(merged ?? resolved.document, ofNulls);
  const ofSchema = new Findings(document);
  const findings = new Findings(document);
  const refused = judgeBySchema(document, resolved.faults, ofSchema);
  const raw = withoutRefused(document.data, refused) as RawPlan | undefined;
  // A missing file or inventory may have the keys that seem to be missing: then the plan is not read further.
  const plan = raw && merged && layers.complete ? readPlan(raw, document, file, env, findings) : undefined;
  const further = isAbstract ? findings.all.filter(({ code }) => !LEFT_OPEN.has(code)) : findings.all;
  const all = sortDiagnostics([...layers.diagnostics, ...ofInventory.all, ...ofSchema.all, ...further], file);
  if (!plan || all.length > 0) return { ok: false, diagnostics: all };
  const warnings = sortDiagnostics([...ofNulls.warnings, ...findings.warnings], file);
  if (isAbstract) return { ok: true, warnings: warnings.filter(({ code }) => !LEFT_OPEN.has(code)) };
  return { ok: true, plan: { ...plan, warnings, ...(settings.length > 0 && { set: settings }) } };
}

/** The document with the hosts of its inventory, if it names one; undefined if that cannot be read. */
function addInventory(
  document: PlanDocument,
  env: Environment,
  read: ReadInventory | undefined,
  findings: Findings,
): PlanDocument | undefined {
  const section = isPlainMap(document.data) ? document.data["hosts_from"] : undefined;
  const path = isPlainMap(section) ? section["ansible"] : undefined;
  // Anything else is reported by the schema.
  if (typeof path !== "string" || path === "" || path.includes("\0")) return document;
  const at = ["hosts_from", "ansible"];
  if (read) return withInventory(document, resolvePath(path, at, pathBase(document, env)), read, findings);
  findings.atValue(at, { code: "inventory_unreadable", message: "inventories cannot be read here" });
  return undefined;
}

/** Resolves hosts, groups and settings, as far as the schema accepted them. */
function readPlan(raw: RawPlan, document: PlanDocument, file: string, env: Environment, findings: Findings): Plan {
  const { entries, complete, takenAway } = readHosts(raw, document, findings);
  const names = new Set<HostName>(entries.flatMap((entry) => entry.names));
  const known = { hosts: names, hostsAreMissing: !complete, takenAway };
  const members = readGroups(raw.groups ?? {}, known, document, findings);
  const hosts = readTargets({ raw, entries, members, base: pathBase(document, env) }, document, findings);
  judgeStrayPlaceholders(raw, findings);
  const turns = readTurns({ raw, entries, members }, document, findings);
  const { hooks, templates } = readRolloutHooks(raw.hooks, findings);
  const revert = readRevertHooks(raw.revert, document, findings);
  return {
    name: raw.name ?? parse(file).name,
    file: resolve(file),
    hosts,
    size: hosts.length,
    groups: new Map([...members].map(([name, selected]) => [name, selected ?? []])),
    waves: readWaves(
      {
        raw,
        entries,
        turns,
        everywhere: {
          ofHost: [...templates, ...revert.ofHost],
          ofInstances: revert.ofInstances,
          ofWaves: revert.ofWaves,
        },
      },
      document,
      findings,
    ),
    limits: readLimits(raw.limits, findings),
    on_failure: raw.on_failure ?? "stop",
    hooks,
    ...(Object.keys(revert.hooks).length > 0 && { revert: revert.hooks }),
    selection: { limit: [], exclude: [], programs: [] },
    warnings: [],
    lock: { ...defaultsOf("lock"), ...given(raw.lock ?? {}) },
  };
}

function readHosts(raw: RawPlan, document: PlanDocument, findings: Findings): ReturnType<typeof readHostNames> {
  if (raw.hosts) return readHostNames(raw.hosts, document, findings);
  if (!("hosts" in raw || "hosts_from" in raw))
    findings.atMissing([], "hosts", {
      code: "missing_key",
      message: 'the plan has no "hosts"',
    });
  return { entries: [], complete: false, takenAway: new Map() };
}
