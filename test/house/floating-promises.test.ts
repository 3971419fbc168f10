import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findFloatingPromises } from "./floating-promises.ts";
import { makeTempTree, type TempTree } from "./temp-tree.ts";

const DECLARED = "declare const run: () => Promise<void>;\ndeclare const maybe: (() => Promise<void>) | undefined;\n";

const PLANTED: readonly (readonly [string, string])[] = [
  ["a call alone", "run();"],
  ["behind a condition", "Boolean(1) && run();"],
  ["at one end of a choice", "Boolean(1) ? run() : undefined;"],
  ["an optional call", "maybe?.();"],
  ["then without a second handler", "run().then(() => undefined);"],
  ["finally alone", "run().finally(() => undefined);"],
  ["inside a loop", "for (const _ of [1]) (run());"],
];

const HARMLESS: readonly (readonly [string, string])[] = [
  ["awaited", "await run();"],
  ["kept", "export const kept = run();"],
  ["void, which says so", "void run();"],
  ["caught", "run().catch(() => undefined);"],
  ["then with both handlers", "run().then(() => undefined, () => undefined);"],
  ["no promise at all", "[1].forEach(String);"],
];

let tree: TempTree;
let sentences: readonly string[];

beforeAll(() => {
  const write = (folder: string) => (row: readonly [string, string], index: number) => ({
    path: `src/${folder}-${index}.ts`,
    text: `${DECLARED}${row[1]}\nexport {};\n`,
  });
  tree = makeTempTree({
    files: [...PLANTED.map(write("planted")), ...HARMLESS.map(write("harmless"))],
    copied: ["package.json", "tsconfig.json"],
    withPackages: true,
  });
  sentences = findFloatingPromises(tree.folder, join(tree.folder, "tsconfig.json"), (path) => path.startsWith("src/"));
});

afterAll(() => tree.remove());

it.each(PLANTED.map(([name], index) => [name, index] as const))("catches: %s", (_name, index) => {
  expect(sentences).toContainEqual(expect.stringContaining(`src/planted-${index}.ts:3: no floating promises`));
});

it("leaves alone what is held", () => {
  expect(sentences.filter((sentence) => sentence.startsWith("src/harmless"))).toEqual([]);
});
