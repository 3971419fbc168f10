import { matching, type Rule } from "../rule.ts";
import { isCode, isIn, type SourceFile } from "../source-file.ts";
import { show } from "../views.ts";

const UNFINISHED = /\b(TODO|FIXME|XXX)\b/;
const NOT_RUN = /\.(skip|skipIf|runIf|todo)\b\s*[(.]/;

function isTest(path: string): boolean {
  return isIn(path, ["test"]) && isCode(path);
}

/** A test that is not run says why on its line or the line before, in a comment that starts with "Skipped:". */
function findSilentSkips(file: SourceFile): ReturnType<Rule["find"]> {
  const comments = show(file, "comments").split("\n");
  const hasReason = (index: number) => /Skipped: .{10}/.test(comments[index] ?? "");
  return matching("code", NOT_RUN)(file).filter(({ line }) => !hasReason(line - 1) && !hasReason(line - 2));
}

/** What was meant to be temporary. */
export const leftoverRules: readonly Rule[] = [
  {
    name: "nothing unfinished",
    where: () => true,
    // A test may speak of the words in a string, as this one does; nothing else may.
    find: (file) => matching(isTest(file.path) ? "comments" : "whole", UNFINISHED)(file),
    instead: "do it now, or write an issue and a sentence about what is not there",
    planted: [
      { path: "src/domain/planted.ts", text: "// TODO: handle the other states" },
      { path: "src/http/planted.ts", text: 'throw new Error("FIXME");' },
      { path: "docs/planted.md", text: "XXX: to be written" },
      { path: "test/planted.test.ts", text: "// FIXME: flaky" },
    ],
    harmless: [
      { path: "src/agent/near.ts", text: 'const template = "holdfast-XXXXXX"; const todoCount = 0;' },
      { path: "test/near.test.ts", text: 'expect(find("TODO")).toHaveLength(1);' },
    ],
  },
  {
    name: "every test runs",
    where: isTest,
    find: matching("code", /\.only\b\s*[(.]/),
    instead: "run one test by its name: npm test -- -t NAME",
    planted: [
      { path: "test/planted.test.ts", text: 'it.only("ends it", () => {});' },
      { path: "test/planted.test.ts", text: "describe.only.each(rows)('%s', () => {});" },
    ],
    harmless: [{ path: "test/near.test.ts", text: "// never it.only(\nexpect(options.only).toBe(true);" }],
  },
  {
    name: "a skipped test says why",
    where: isTest,
    find: findSilentSkips,
    instead: "mend the test, or say why in a comment on the line before: // Skipped: <reason>",
    planted: [
      { path: "test/planted.test.ts", text: 'it.skip("ends it", () => {});' },
      { path: "test/planted.test.ts", text: '// some other comment that is long enough\nit.todo("ends it");' },
      { path: "test/planted.test.ts", text: '// Skipped: no\nit.skipIf(isMac)("ends it", () => {});' },
    ],
    harmless: [
      { path: "test/near.test.ts", text: '// Skipped: only Linux has /proc.\nit.skipIf(isMac)("looks", () => {});' },
      { path: "test/near.test.ts", text: 'const say = ".skip(";' },
    ],
  },
  {
    name: "no `any`",
    where: isCode,
    find: matching("code", /\bas any\b|<any>/),
    instead: "parse the value with a schema, or narrow it from `unknown`",
    planted: [
      { path: "src/store/planted.ts", text: "const row = rows[0] as any;" },
      { path: "test/planted.test.ts", text: "const pool = {} as any as Pool;" },
    ],
    harmless: [{ path: "src/store/near.ts", text: "// the same as any other row\nconst row = value as Anything;" }],
  },
  {
    name: "types are not switched off",
    where: isCode,
    find: matching("comments", /@ts-(ignore|nocheck)|@ts-expect-error(?!\s*:?\s+\S.{9})/),
    instead: "mend the type; in a test of types write // @ts-expect-error and the reason on the same line",
    planted: [
      { path: "src/domain/planted.ts", text: "// @ts-ignore the types are wrong here\ncall();" },
      { path: "src/domain/planted.ts", text: "// @ts-nocheck" },
      { path: "test/planted.test.ts", text: "// @ts-expect-error\nterminate(machine);" },
    ],
    harmless: [
      { path: "test/near.test.ts", text: "// @ts-expect-error a machine is not a permit\nterminate(machine);" },
      { path: "test/near.test.ts", text: 'const say = "@ts-ignore";' },
    ],
  },
];
