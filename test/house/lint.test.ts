import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTool, type ToolResult } from "./run-tool.ts";
import { makeTempTree, type TempTree } from "./temp-tree.ts";

interface Row {
  readonly rule: string;
  readonly path: string;
  readonly text: string;
}

const PLANTED: readonly Row[] = [
  { rule: "format", path: "src/quotes.ts", text: "export const name = 'single';\n" },
  { rule: "format", path: "src/indent.ts", text: "export function f() {\n    return 1;\n}\n" },
  { rule: "format", path: "src/semicolon.ts", text: "export const count = 1\n" },
  { rule: "format", path: "src/width.ts", text: `export const sum = ${"1000000 + ".repeat(12)}1;\n` },
  {
    rule: "assist/source/organizeImports",
    path: "src/imports.ts",
    text: 'import { b } from "./b.ts";\nimport { a } from "./a.ts";\n\nexport const both = [a, b];\n',
  },
  { rule: "lint/suspicious/noExplicitAny", path: "src/any.ts", text: "export const f = (x: any) => x;\n" },
  { rule: "lint/suspicious/noDoubleEquals", path: "src/equal.ts", text: "export const f = (x: number) => x == 1;\n" },
  { rule: "lint/suspicious/noTsIgnore", path: "src/ignore.ts", text: "// @ts-ignore\nexport const f = 1;\n" },
  {
    rule: "lint/style/useImportType",
    path: "src/type.ts",
    text: 'import { A } from "./a.ts";\n\nexport const f = (a: A) => a;\n',
  },
  { rule: "lint/style/noDefaultExport", path: "src/default.ts", text: "export default function f() {}\n" },
  { rule: "lint/style/noNonNullAssertion", path: "src/bang.ts", text: "export const f = (x?: number) => x! + 1;\n" },
  { rule: "lint/style/useNodejsImportProtocol", path: "src/core.ts", text: 'export { join } from "path";\n' },
  {
    rule: "lint/style/useThrowOnlyError",
    path: "src/throw.ts",
    text: 'export const f = () => {\n  throw "text";\n};\n',
  },
  {
    rule: "lint/style/useErrorCause",
    path: "src/cause.ts",
    text: 'export function f() {\n  try {\n    f();\n  } catch (error) {\n    throw new Error("calling f");\n  }\n}\n',
  },
  { rule: "lint/correctness/noUnusedVariables", path: "src/unused.ts", text: "const unused = 1;\n" },
  { rule: "lint/suspicious/noFocusedTests", path: "test/only.test.ts", text: 'it.only("runs alone", () => {});\n' },
];

/** Near misses, and what biome.json exempts on purpose. */
const HARMLESS: readonly Omit<Row, "rule">[] = [
  { path: "src/plain.ts", text: 'export const name = "double";\n' },
  { path: "vite.config.ts", text: "export default {};\n" },
  { path: "test/bang.test.ts", text: "export const f = (x?: number) => x! + 1;\n" },
  { path: "test/contracts/github/workflow-job.json", text: '{"as":   "recorded"}' },
  { path: "node_modules/dependency/index.js", text: "export default 'theirs'\n" },
];

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string | { readonly file: string } };
  }[];
}

let tree: TempTree;
let result: ToolResult;
let found: readonly string[];

beforeAll(() => {
  tree = makeTempTree({ files: [...PLANTED, ...HARMLESS], copied: ["biome.json"] });
  result = runTool(
    "biome",
    ["check", "--error-on-warnings", "--reporter=json", "--max-diagnostics=none", "."],
    tree.folder,
  );
  const report = JSON.parse(result.stdout) as Report;
  found = report.diagnostics.map(({ category, location }) => {
    const path = typeof location.path === "string" ? location.path : location.path.file;
    return `${path.replace(/^\.\//, "")} ${category}`;
  });
});

afterAll(() => tree.remove());

describe("npm run lint", () => {
  it.each(PLANTED.map((row) => [row.rule, row.path] as const))("refuses %s in %s", (rule, path) => {
    expect(found).toContain(`${path} ${rule}`);
    expect(result.exitCode).not.toBe(0);
  });

  it.each(HARMLESS.map((row) => row.path))("leaves %s alone", (path) => {
    expect(found.filter((line) => line.startsWith(`${path} `))).toEqual([]);
  });
});
