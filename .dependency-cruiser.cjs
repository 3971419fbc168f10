// The directions of imports, as CONTRIBUTING.md draws them. `npm run layers` applies them, type
// imports and cycles of types included; test/house/layers.test.ts plants a wrong import for every rule.

/** What each folder of src/ may import from the other folders of src/. A folder that is missing here is refused. */
const MAY_IMPORT = {
  domain: [],
  ports: ["domain"],
  store: ["domain", "ports"],
  adapters: ["domain", "ports"],
  controllers: ["domain", "ports", "store"],
  http: ["domain", "ports", "store"],
  agent: ["domain"],
  simulator: ["domain", "ports", "store", "controllers", "http"],
  app: ["domain", "ports", "store", "adapters", "controllers", "http", "agent", "simulator"],
};

const LAYERS = Object.keys(MAY_IMPORT);
const PACKAGE_TYPES = ["npm", "npm-dev", "npm-optional", "npm-peer", "npm-bundled", "npm-no-pkg", "npm-unknown"];

/** Programs of their own: something runs them, nothing imports them. */
const PROGRAMS = "^(bin/|src/agent/(main|launcher|watchdog)\\.ts$|src/simulator/runner/)";

function layerRule(layer) {
  const allowed = [layer, ...MAY_IMPORT[layer]];
  return {
    name: `layer-${layer}`,
    comment: `src/${layer} imports from src/ only: ${allowed.join(", ")}. Move what both need to domain or behind a port.`,
    severity: "error",
    from: { path: `^src/${layer}/` },
    to: { path: "^src/", pathNot: `^src/(${allowed.join("|")})/` },
  };
}

const forbidden = [
  ...LAYERS.map(layerRule),
  {
    name: "layer-unknown",
    comment: `Every module of src/ lives in one of: ${LAYERS.join(", ")}.`,
    severity: "error",
    from: {},
    to: { path: "^src/", pathNot: `^src/(${LAYERS.join("|")})/` },
  },
  {
    name: "domain-is-alone",
    comment:
      "The domain is pure: no packages, no node:*. Take time and randomness as arguments; put effects behind a port.",
    severity: "error",
    from: { path: "^src/domain/" },
    to: { dependencyTypes: ["core", ...PACKAGE_TYPES] },
  },
  {
    name: "ports-are-words",
    comment: "A port is an interface over domain types: no packages, no node:*. Vendor types stay in the adapter.",
    severity: "error",
    from: { path: "^src/ports/" },
    to: { dependencyTypes: ["core", ...PACKAGE_TYPES] },
  },
  {
    name: "agent-core-modules-only",
    comment: "The agent runs on the runner's own Node, without node_modules: use core modules only.",
    severity: "error",
    from: { path: "^src/agent/" },
    to: { dependencyTypes: PACKAGE_TYPES },
  },
  {
    name: "simulated-runner-is-alone",
    comment: "src/simulator/runner is run by generated executables: it imports core modules and itself only.",
    severity: "error",
    from: { path: "^src/simulator/runner/" },
    to: { dependencyTypesNot: ["core"], pathNot: "^src/simulator/runner/" },
  },
  {
    name: "adapters-apart",
    comment:
      "An adapter folder knows nothing of another one. Pass what it needs through a port, in app/wire. What several ask of AWS is in src/adapters/aws.",
    severity: "error",
    from: { path: "^src/adapters/([^/]+)", pathNot: "^src/adapters/aws/" },
    to: { path: "^src/adapters/", pathNot: "^src/adapters/($1|aws)(/|$)" },
  },
  {
    name: "aws-is-alone",
    comment: "What the adapters over AWS share knows none of them.",
    severity: "error",
    from: { path: "^src/adapters/aws/" },
    to: { path: "^src/adapters/", pathNot: "^src/adapters/aws/" },
  },
  {
    name: "src-is-alone",
    comment: "src/ imports nothing from the folders around it (test, scripts, bench, web).",
    severity: "error",
    from: { path: "^src/" },
    to: { path: "^(test|scripts|bench|web|bin|deploy|docs)/" },
  },
  {
    name: "no-cycles",
    comment: "No cycles, not even of types. Move what both modules need into a third.",
    severity: "error",
    from: {},
    to: { circular: true },
  },
  {
    name: "no-orphans",
    comment: "A module that imports nothing and that nothing imports is dead: delete it, or use it.",
    severity: "error",
    from: { orphan: true, pathNot: PROGRAMS },
    to: {},
  },
  {
    name: "no-unresolvable",
    comment: "This import leads nowhere.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-dev-dependencies",
    comment: "A user has no devDependencies: list the package under dependencies. (Types alone may come from them.)",
    severity: "error",
    from: { path: "^(src|bin)/" },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
  },
  {
    name: "no-undeclared-packages",
    comment: "This package is not in package.json: it is there by accident.",
    severity: "error",
    from: {},
    to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
  },
];

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      mainFields: ["module", "main", "types"],
    },
  },
};
