// What is worth enforcing is enforced here: each rule of test/house/rules against the whole repository. That each of
// them can fail is shown beside it, in test/house/rules.test.ts.
import { join } from "node:path";
import { expect, it } from "vitest";
import { referencePages } from "../scripts/write-reference.ts";
import { findFloatingPromises } from "./house/floating-promises.ts";
import { checkReferencePage } from "./house/reference-page.ts";
import { applyRule } from "./house/rule.ts";
import { allRules } from "./house/rules/all-rules.ts";
import { isIn, readTree } from "./house/source-file.ts";
import { ROOT } from "./house/temp-tree.ts";

/** A tree that was read from the wrong place is tidy too. */
const FILE_COUNT_MIN = 350;

/** The whole tree is compiled, on a machine that may be busy. */
const COMPILER_PATIENCE_MS = 240_000;

const files = readTree(ROOT);

it(`reads the repository: at least ${FILE_COUNT_MIN} files`, () => {
  expect(files.length).toBeGreaterThanOrEqual(FILE_COUNT_MIN);
});

it.each(allRules.map((rule) => [rule.name, rule] as const))("%s", (_name, rule) => {
  expect(applyRule(rule, files)).toEqual([]);
});

it(
  "no floating promises",
  () => {
    const isChecked = (path: string) => isIn(path, ["src", "bin", "scripts", "test", "bench"]);
    expect(findFloatingPromises(ROOT, join(ROOT, "tsconfig.json"), isChecked)).toEqual([]);
  },
  COMPILER_PATIENCE_MS,
);

it.each(referencePages().map((page) => [page.path, page] as const))("%s is what the code has", (_path, page) => {
  expect(checkReferencePage(page, files)).toBeNull();
});
