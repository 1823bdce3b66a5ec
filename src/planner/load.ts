import { dirname, parse, resolve } from "node:path";
import type { HostName } from "../domain/ids.ts";
import { pathBase } from "./connection-settings.ts";
import { sortDiagnostics, type Diagnostic } from "./diagnostic.ts";
import { readDocument, type PlanDocument } from "./document.ts";
import { Findings } from "./findings.ts";
import { readGroups } from "./groups.ts";
import { readHostNames } from "./host-names.ts";
import { readPlanFile } from "./plan-file.ts";
import type { Plan } from "./plan.ts";
import type { RawPlan } from "./raw-plan.ts";
import { judgeBySchema, withoutRefused } from "./schema-errors.ts";
import { readTargets } from "./targets.ts";
import { readTurns } from "./turns.ts";
import { readWaves } from "./waves.ts";

/** A plan, or everything that is wrong with it. */
export type LoadedPlan = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Reads and checks a plan's file. `env` gives HOME, for paths that begin with `~`. */
export function loadPlan(file: string, env: Readonly<Record<string, string | undefined>>): LoadedPlan {
  const read = readPlanFile(file);
  return "diagnostic" in read ? { ok: false, diagnostics: [read.diagnostic] } : parsePlan(read.text, file, env);
}

/** Checks a plan's text; `file` is where it came from, and what its paths are relative to. */
export function parsePlan(text: string, file: string, env: Readonly<Record<string, string | undefined>>): LoadedPlan {
  const { document, diagnostics } = readDocument(file, text);
  if (!document) return { ok: false, diagnostics: sortDiagnostics(diagnostics) };
  const findings = new Findings(document);
  const refused = judgeBySchema(document, findings);
  const raw = withoutRefused(document.data, refused) as RawPlan | undefined;
  const plan = raw && readPlan(raw, document, file, env, findings);
  const all = sortDiagnostics([...diagnostics, ...findings.all]);
  return plan && all.length === 0 ? { ok: true, plan } : { ok: false, diagnostics: all };
}

/** Resolves all references, as far as the schema left something to read. */
function readPlan(raw: RawPlan, document: PlanDocument, file: string, env: Readonly<Record<string, string | undefined>>, findings: Findings): Plan {
  const absolute = resolve(file);
  const { entries, complete } = raw.hosts ? readHostNames(raw.hosts, document, findings) : { entries: [], complete: false };
  const names = new Set<HostName>(entries.flatMap((entry) => entry.names));
  const members = readGroups(raw.groups ?? {}, { hosts: names, hostsAreMissing: !complete }, document, findings);
  const hosts = readTargets({ raw, entries, members, base: pathBase(dirname(absolute), env) }, document, findings);
  const turns = readTurns({ raw, entries, members }, document, findings);
  const waves = readWaves(turns, raw, findings);
  const groups = new Map([...members].map(([name, selected]) => [name, selected ?? []]));
  const none = { count: 0 };
  return {
    name: raw.name ?? parse(file).name,
    file: absolute,
    hosts,
    groups,
    waves,
    limits: { max_failures: none, max_unreachable: none, min_healthy: none },
    on_failure: "stop",
    stopped: "skip",
    hooks: {},
    lock: { mode: "required", directory: "/tmp" },
  };
}
