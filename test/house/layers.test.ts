import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTool } from "./run-tool.ts";
import { makeTempTree, ROOT, type TempTree } from "./temp-tree.ts";

/** dependency-cruiser that finds no TypeScript cruises nothing and is content. Raise this as src/ grows. */
const MODULE_COUNT_MIN = 250;

interface Row {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
}

/** Every module that a planted import aims at. They import one another in a chain of allowed directions: no orphans. */
const TARGETS: readonly (readonly [string, string])[] = [
  ["src/domain/job.ts", "export interface Job {}\nexport const job = 1;"],
  ["src/ports/clock.ts", 'export type { Job } from "../domain/job.ts";'],
  ["src/store/open.ts", 'import "kysely";\nimport "node:sqlite";\nexport type { Job } from "../ports/clock.ts";'],
  [
    "src/adapters/github/client.ts",
    'import "kysely";\nimport "node:crypto";\nimport "./paging.ts";\nimport "../../ports/clock.ts";',
  ],
  ["src/adapters/github/paging.ts", 'import "../../domain/job.ts";'],
  ["src/adapters/system/clock.ts", 'import "node:timers";\nimport "../../ports/clock.ts";'],
  ["src/controllers/retire.ts", 'import "../domain/job.ts";\nimport "../ports/clock.ts";\nimport "../store/open.ts";'],
  [
    "src/http/server.ts",
    'import "hono";\nimport "../domain/job.ts";\nimport "../ports/clock.ts";\nimport "../store/open.ts";',
  ],
  ["src/agent/main.ts", 'import "node:fs";\nimport "../domain/job.ts";'],
  ["src/agent/launcher.ts", "export {};"],
  [
    "src/simulator/world.ts",
    'import "../controllers/retire.ts";\nimport "../http/server.ts";\nimport "../store/open.ts";',
  ],
  ["src/simulator/runner/listener.ts", 'import "node:fs";\nimport "./worker.ts";'],
  ["src/simulator/runner/worker.ts", "export const worker = 1;"],
  [
    "src/app/cli.ts",
    'import "../adapters/github/client.ts";\nimport "../simulator/world.ts";\nimport("../adapters/system/clock.ts");',
  ],
  ["bin/holdfast.js", 'import "../src/app/cli.ts";'],
  ["test/fake-clock.ts", "export const fake = 1;"],
];

const PLANTED: readonly Row[] = [
  { rule: "layer-domain", path: "src/domain/a.ts", text: 'import type { Job } from "../ports/clock.ts";' },
  { rule: "layer-domain", path: "src/domain/b.ts", text: 'import "../store/open.ts";' },
  { rule: "domain-is-alone", path: "src/domain/c.ts", text: 'import { createHash } from "node:crypto";' },
  { rule: "domain-is-alone", path: "src/domain/d.ts", text: 'import type { Kysely } from "kysely";' },
  { rule: "layer-ports", path: "src/ports/a.ts", text: 'import "../store/open.ts";' },
  { rule: "ports-are-words", path: "src/ports/b.ts", text: 'import type { Hono } from "hono";' },
  { rule: "ports-are-words", path: "src/ports/c.ts", text: 'import type { Readable } from "node:stream";' },
  { rule: "layer-store", path: "src/store/a.ts", text: 'import "../controllers/retire.ts";' },
  { rule: "layer-adapters", path: "src/adapters/ec2/a.ts", text: 'import "../../store/open.ts";' },
  { rule: "layer-adapters", path: "src/adapters/ec2/b.ts", text: 'import "../../controllers/retire.ts";' },
  { rule: "adapters-apart", path: "src/adapters/ec2/c.ts", text: 'import "../github/client.ts";' },
  { rule: "adapters-apart", path: "src/adapters/ec2/d.ts", text: 'import "../system/clock.ts";' },
  { rule: "aws-is-alone", path: "src/adapters/aws/a.ts", text: 'import "../github/client.ts";' },
  { rule: "adapters-apart", path: "src/adapters/shared.ts", text: 'import "./github/client.ts";' },
  { rule: "layer-controllers", path: "src/controllers/a.ts", text: 'import "../adapters/github/client.ts";' },
  { rule: "layer-controllers", path: "src/controllers/b.ts", text: 'import "../http/server.ts";' },
  { rule: "layer-controllers", path: "src/controllers/c.ts", text: 'import "../app/cli.ts";' },
  { rule: "layer-http", path: "src/http/a.ts", text: 'import "../controllers/retire.ts";' },
  { rule: "layer-http", path: "src/http/b.ts", text: 'const late = await import("../adapters/github/client.ts");' },
  { rule: "layer-agent", path: "src/agent/a.ts", text: 'import "../ports/clock.ts";' },
  { rule: "agent-core-modules-only", path: "src/agent/b.ts", text: 'import "pino";' },
  { rule: "layer-simulator", path: "src/simulator/a.ts", text: 'import "../adapters/system/clock.ts";' },
  { rule: "layer-simulator", path: "src/simulator/b.ts", text: 'import "../app/cli.ts";' },
  { rule: "layer-simulator", path: "src/simulator/c.ts", text: 'import "../agent/main.ts";' },
  { rule: "simulated-runner-is-alone", path: "src/simulator/runner/a.ts", text: 'import "../world.ts";' },
  { rule: "simulated-runner-is-alone", path: "src/simulator/runner/b.ts", text: 'import "../../domain/job.ts";' },
  { rule: "simulated-runner-is-alone", path: "src/simulator/runner/c.ts", text: 'import "kysely";' },
  { rule: "layer-app", path: "src/app/a.ts", text: 'import "../lib/a.ts";' },
  { rule: "layer-unknown", path: "src/app/a.ts", text: 'import "../lib/a.ts";' },
  { rule: "src-is-alone", path: "src/app/b.ts", text: 'import "../../test/fake-clock.ts";' },
  { rule: "no-cycles", path: "src/domain/cycle-a.ts", text: 'import "./cycle-b.ts";' },
  {
    rule: "no-cycles",
    path: "src/domain/type-cycle-a.ts",
    text: 'import type { B } from "./type-cycle-b.ts";\nexport type A = B;',
  },
  { rule: "no-orphans", path: "src/domain/orphan.ts", text: "export const orphan = 1;" },
  { rule: "no-unresolvable", path: "src/http/c.ts", text: 'import "./nowhere.ts";' },
  { rule: "no-dev-dependencies", path: "src/http/d.ts", text: 'import "fast-check";' },
  { rule: "no-undeclared-packages", path: "src/http/e.ts", text: 'import "transitive";' },
];

/** The other ends of the planted imports that are not themselves at fault. */
const OTHER_ENDS: readonly (readonly [string, string])[] = [
  ["src/domain/cycle-b.ts", 'import "./cycle-a.ts";'],
  ["src/domain/type-cycle-b.ts", 'import type { A } from "./type-cycle-a.ts";\nexport type B = A | null;'],
  ["src/lib/a.ts", 'import "../domain/job.ts";'],
];

/** Near misses: a type of a development package, and JSON beside the sources. */
const HARMLESS: readonly (readonly [string, string])[] = [
  ["src/http/types.ts", 'import type { Arbitrary } from "fast-check";\nexport type Any = Arbitrary<number>;'],
  [
    "src/app/version.ts",
    'import about from "../../package.json" with { type: "json" };\nexport const version = about.version;',
  ],
];

const PACKAGES = ["kysely", "hono", "pino", "fast-check", "transitive"].flatMap((name) => [
  { path: `node_modules/${name}/package.json`, text: JSON.stringify({ name, version: "1.0.0", main: "index.js" }) },
  { path: `node_modules/${name}/index.js`, text: "export const found = 1;" },
]);

interface Config {
  readonly forbidden: readonly { readonly name: string }[];
}

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

function cruise(folder: string): {
  readonly cruise: Cruise;
  readonly found: readonly string[];
  readonly exitCode: number | null;
} {
  const args = ["src", "bin", "--config", ".dependency-cruiser.cjs"];
  const judged = runTool("depcruise", args, folder);
  const listed = runTool("depcruise", [...args, "--output-type", "json"], folder);
  const result = JSON.parse(listed.stdout) as Cruise;
  const found = result.summary.violations.map(({ from, rule }) => `${from} ${rule.name}`);
  return { cruise: result, found, exitCode: judged.exitCode };
}

function makeTree(files: readonly (readonly [string, string])[]): TempTree {
  return makeTempTree({
    files: [...files.map(([path, text]) => ({ path, text: `${text}\n` })), ...PACKAGES],
    copied: ["package.json", "tsconfig.json", ".dependency-cruiser.cjs"],
  });
}

describe("npm run layers", () => {
  it(`accepts the repository, of which it sees at least ${MODULE_COUNT_MIN} modules`, () => {
    const { cruise: result, found } = cruise(ROOT);
    expect(found).toEqual([]);
    expect(result.modules.filter(({ source }) => /^src\/.*\.ts$/.test(source)).length).toBeGreaterThanOrEqual(
      MODULE_COUNT_MIN,
    );
  });

  it("accepts every allowed direction", () => {
    const tree = makeTree([...TARGETS, ...HARMLESS]);
    try {
      const { found, exitCode } = cruise(tree.folder);
      expect(found).toEqual([]);
      expect(exitCode).toBe(0);
    } finally {
      tree.remove();
    }
  });
});

describe("npm run layers refuses", () => {
  let tree: TempTree;
  let found: readonly string[];
  let exitCode: number | null;

  beforeAll(() => {
    const planted = PLANTED.map(({ path, text }) => [path, text] as const);
    tree = makeTree([...TARGETS, ...HARMLESS, ...OTHER_ENDS, ...planted]);
    ({ found, exitCode } = cruise(tree.folder));
  });

  afterAll(() => tree.remove());

  it.each(PLANTED.map((row) => [row.rule, row.path, row.text] as const))("%s: %s %s", (rule, path) => {
    expect(found).toContain(`${path} ${rule}`);
    expect(exitCode).not.toBe(0);
  });

  it("nothing but what was planted", () => {
    const innocent = new Set([...TARGETS, ...HARMLESS].map(([path]) => path));
    expect(found.filter((line) => innocent.has(line.split(" ")[0] ?? ""))).toEqual([]);
  });

  it("by every rule there is", () => {
    const config = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as Config;
    expect(new Set(PLANTED.map(({ rule }) => rule))).toEqual(new Set(config.forbidden.map(({ name }) => name)));
  });
});
