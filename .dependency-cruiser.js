/** A house of floors: imports only point down. What each floor may see, besides itself. */
const floors = {
  domain: [],
  planner: ["domain"],
  rollout: ["domain"],
  executor: ["domain", "rollout"],
  hosts: ["domain", "executor/ports"],
  supervisor: ["domain", "executor/deadline", "executor/ports"],
  state: ["domain", "executor/deadline", "executor/ports"],
  views: ["domain", "executor/ports"],
};

/** The rooms of the large floors, from the bottom up: each may see those that are listed before it. */
const rooms = {
  planner: ["text", "schema", "plan", "build", "preview"],
  hosts: ["connection", "ssh-config", "host-keys", ["ssh", "system-ssh", "probes"]],
  views: ["model", "words", "report", ["lines", "tree", "page"]],
  cli: ["arguments", "terminal", "prepare", ["commands", "status", "completion"]],
};

/** What may be imported from outside, by floor: the pure floors reach no network, no process and no clock. */
const outside = {
  domain: ["picomatch"],
  planner: ["yaml", "ajv", "fastest-levenshtein", "picomatch", "node:fs", "node:os", "node:path"],
  rollout: [],
  executor: ["p-limit", "node:perf_hooks", "node:stream"],
};

const roomRules = Object.entries(rooms).flatMap(([floor, levels]) =>
  levels.flatMap((level, index) =>
    [level].flat().map((room) => ({
      name: `${floor}/${room}-points-down`,
      severity: "error",
      from: { path: `^src/${floor}/${room}/` },
      to: {
        path: `^src/${floor}/`,
        pathNot: [room, ...levels.slice(0, index).flat()].map((allowed) => `^src/${floor}/${allowed}/`),
      },
    })),
  ),
);

const escaped = (text) => text.replaceAll("/", "\\/");

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, path: "^src/" }, to: {} },
    {
      name: "the-judge-of-real-configurations-shares-no-code",
      severity: "error",
      from: { path: "^test/real/judge/", pathNot: "[.]test[.]ts$" },
      to: { pathNot: "^test/real/judge/" },
    },
    { name: "src-knows-no-tests", severity: "error", from: { path: "^src/" }, to: { path: "^test/" } },
    {
      name: "only-development-dependencies-are-bundled",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
    ...Object.entries(floors).map(([floor, below]) => ({
      name: `${floor}-points-down`,
      severity: "error",
      from: { path: `^src/${floor}/` },
      to: { path: "^src/", pathNot: [floor, ...below].map((allowed) => `^src/${escaped(allowed)}[/.]`) },
    })),
    ...roomRules,
    ...Object.entries(outside).map(([floor, allowed]) => ({
      name: `${floor}-reaches-only`,
      severity: "error",
      from: { path: `^src/${floor}/` },
      to: {
        dependencyTypes: ["npm", "npm-dev", "npm-optional", "npm-peer", "core"],
        pathNot: allowed.map((name) =>
          name.startsWith("node:") ? `^(node:)?${name.slice(5)}$` : `node_modules/(@types/)?${name}/`,
        ),
      },
    })),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { conditionNames: ["import", "node", "default", "types"], exportsFields: ["exports"] },
  },
};
