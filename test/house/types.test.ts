import { afterAll, beforeAll, expect, it } from "vitest";
import { runTool, type ToolResult } from "./run-tool.ts";
import { makeTempTree, type TempTree } from "./temp-tree.ts";

/** What each strict option of tsconfig.json must refuse: the name, the file, and the compiler's own number for it. */
const PLANTED: readonly (readonly [string, string, string])[] = [
  ["a plain wrong type", 'export const count: number = "three";', "TS2322"],
  ["strict: a parameter without a type", "export function f(x) { return x; }", "TS7006"],
  ["strict: null where it cannot be", "export const text: string = null;", "TS2322"],
  ["noUncheckedIndexedAccess", "export const f = (xs: number[]): number => xs[0];", "TS2322"],
  ["exactOptionalPropertyTypes", "export const o: { a?: number } = { a: undefined };", "TS2375"],
  ["noImplicitOverride", "class A { f() {} }\nexport class B extends A { f() {} }", "TS4114"],
  [
    "noFallthroughCasesInSwitch",
    "export function f(x: number) { switch (x) { case 1: f(2); case 2: f(3); } }",
    "TS7029",
  ],
  ["noImplicitReturns", "export function f(x: boolean) { if (x) return 1; }", "TS7030"],
  ["noUnusedLocals", "const unused = 1;\nexport {};", "TS6133"],
  ["noUnusedParameters", "export function f(x: number) {}", "TS6133"],
  ["erasableSyntaxOnly: an enum", "export enum State { Parked }", "TS1294"],
  ["erasableSyntaxOnly: a parameter property", "export class A { constructor(readonly x: number) {} }", "TS1294"],
  [
    "verbatimModuleSyntax: a type imported as a value",
    'import { A } from "./harmless.ts";\nexport type B = A;',
    "TS1484",
  ],
  ["a union grew and a switch did not", missedCase(), "TS2345"],
];

const HARMLESS = `export type A = { readonly kind: "parked" };
export const f = (xs: readonly number[]): number => xs[0] ?? 0;
`;

/** The exhaustive switch of the house: a state that is not handled is a compile error. */
function missedCase(): string {
  return `type State = { kind: "parked" } | { kind: "engaged" };
function unreachable(state: never): never { throw new Error(String(state)); }
export function isOver(state: State): boolean {
  switch (state.kind) { case "parked": return false; default: return unreachable(state); }
}`;
}

let tree: TempTree;
let result: ToolResult;

beforeAll(() => {
  const planted = PLANTED.map(([, text], index) => ({ path: `src/planted-${index}.ts`, text: `${text}\n` }));
  tree = makeTempTree({
    files: [...planted, { path: "src/harmless.ts", text: HARMLESS }],
    copied: ["package.json", "tsconfig.json"],
    withPackages: true,
  });
  result = runTool("tsc", ["--noEmit", "--pretty", "false"], tree.folder);
});

afterAll(() => tree.remove());

it.each(PLANTED.map(([name, , code], index) => [name, code, index] as const))(
  "tsc refuses: %s",
  (_name, code, index) => {
    const lines = result.stdout.split("\n").filter((line) => line.startsWith(`src/planted-${index}.ts(`));
    expect(lines.join("\n")).toContain(`error ${code}:`);
  },
);

it("tsc accepts the harmless file and fails for the others", () => {
  expect(result.stdout).not.toContain("src/harmless.ts");
  expect(result.exitCode).not.toBe(0);
});
