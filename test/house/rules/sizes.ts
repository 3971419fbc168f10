import ts from "typescript";
import { aboutFile, type Hit, type Rule } from "../rule.ts";
import { isCode, isIn, type SourceFile } from "../source-file.ts";
import { parse } from "../views.ts";

const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 400;

/** The blocks that group tests; their length is that of a file. Hooks and the rest count as functions. */
const TEST_BLOCKS: ReadonlySet<string> = new Set(["describe", "it", "test"]);

function findLongFunctions(file: SourceFile): readonly Hit[] {
  const source = parse(file);
  const hits: Hit[] = [];
  const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line + 1;
  const visit = (node: ts.Node): void => {
    if (isFunctionWithBody(node) && !(isIn(file.path, ["test"]) && isTestBlock(node))) {
      const first = lineOf(node.getStart(source));
      const count = lineOf(node.end) - first + 1;
      if (count > FUNCTION_LINES_MAX)
        hits.push({ line: first, what: `\`${nameOf(node, source)}\` has ${count} lines` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return hits;
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

/** Whether the function is handed to describe, it or test, also as in `it.each(rows)("...", () => {})`. */
function isTestBlock(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent) || node.parent.expression === node) return false;
  let callee: ts.Expression = node.parent.expression;
  while (!ts.isIdentifier(callee)) {
    if (!ts.isCallExpression(callee) && !ts.isPropertyAccessExpression(callee)) return false;
    callee = callee.expression;
  }
  return TEST_BLOCKS.has(callee.text);
}

function nameOf(node: ts.FunctionLikeDeclaration, source: ts.SourceFile): string {
  if (node.name !== undefined) return node.name.getText(source);
  if (ts.isVariableDeclaration(node.parent)) return node.parent.name.getText(source);
  return ts.isConstructorDeclaration(node) ? "constructor" : "a function";
}

function countLines(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function linesOf(count: number): string {
  return "count(1);\n".repeat(count);
}

/** Small things are read whole. The median is no trouble; the tail is. */
export const sizeRules: readonly Rule[] = [
  {
    name: `functions have at most ${FUNCTION_LINES_MAX} lines`,
    where: isCode,
    find: findLongFunctions,
    instead: "keep the ifs here and move each branch, or the inside of the loop, into a function of its own",
    planted: [
      { path: "src/domain/planted.ts", text: `export function decide() {\n${linesOf(69)}}` },
      { path: "src/store/planted.ts", text: `class Store {\n  open = async () => {\n${linesOf(69)}};\n}` },
      { path: "web/planted.tsx", text: `const Page = () => {\n${linesOf(69)}return <p>hello</p>;\n};` },
      { path: "test/planted.test.ts", text: `beforeEach(() => {\n${linesOf(69)}});` },
      { path: "src/domain/planted.ts", text: `describe("not a test", () => {\n${linesOf(69)}});` },
    ],
    harmless: [
      {
        path: "src/domain/near.ts",
        text: `/**\n${" * why\n".repeat(30)} */\nexport function decide() {\n${linesOf(68)}}`,
      },
      {
        path: "test/near.test.ts",
        text: `describe("a", () => {\n  it.each(rows)("b", () => {\n${linesOf(69)}});\n});`,
      },
    ],
  },
  {
    name: `files have at most ${FILE_LINES_MAX} lines`,
    where: (path) => isCode(path) || path.endsWith(".css"),
    find: (file) => {
      const count = countLines(file.text);
      return count > FILE_LINES_MAX ? aboutFile(`${count} lines`) : [];
    },
    instead: "make one file of each idea in it (aim at under 250 lines)",
    planted: [{ path: "src/store/planted.ts", text: linesOf(401) }],
    harmless: [
      { path: "src/store/near.ts", text: linesOf(400) },
      { path: "docs/guide.md", text: linesOf(500) },
    ],
  },
];
