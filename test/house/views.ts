import ts from "typescript";
import type { SourceFile } from "./source-file.ts";

/** A view shows one part of a file and blanks the rest, so that lines and columns stay what they are. */
export type View = "whole" | "code" | "comments" | "code and strings";

type Part = "code" | "string" | "comment";

const SHOWN: Readonly<Record<View, readonly Part[]>> = {
  whole: ["code", "string", "comment"],
  code: ["code"],
  comments: ["comment"],
  "code and strings": ["code", "string"],
};

const parsed = new WeakMap<SourceFile, ts.SourceFile>();
const parts = new WeakMap<SourceFile, readonly Part[]>();

export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const kind = file.path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2024, true, kind);
  parsed.set(file, source);
  return source;
}

export function show(file: SourceFile, view: View): string {
  if (view === "whole") return file.text;
  const shown = SHOWN[view];
  const partOf = partsOf(file);
  let text = "";
  for (let at = 0; at < file.text.length; at += 1) {
    const char = file.text.charAt(at);
    text += char === "\n" || shown.includes(partOf[at] ?? "comment") ? char : " ";
  }
  return text;
}

/** Which part each character belongs to. What is in no token is a comment (or white space, which is as good). */
function partsOf(file: SourceFile): readonly Part[] {
  const known = parts.get(file);
  if (known !== undefined) return known;
  const source = parse(file);
  const partOf = new Array<Part>(file.text.length).fill("comment");
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length > 0) children.forEach(visit);
    else partOf.fill(isString(node) ? "string" : "code", node.getStart(source), node.end);
  };
  visit(source);
  parts.set(file, partOf);
  return partOf;
}

function isString(node: ts.Node): boolean {
  return (
    ts.isStringLiteral(node) ||
    ts.isTemplateLiteralToken(node) ||
    ts.isRegularExpressionLiteral(node) ||
    ts.isJsxText(node)
  );
}
