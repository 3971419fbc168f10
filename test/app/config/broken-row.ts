import { expect, it } from "vitest";
import { renderProblems } from "../../../src/app/config/problems.ts";
import { failureIn, makeFolder, soundConfig, type Written } from "./config-folder.ts";

/** One way to break a sound configuration, and the one problem that is told of it. */
export type Row = readonly [
  name: string,
  breakIt: (config: Written) => void,
  path: string,
  problem: string,
  mend: string,
];

export const RESERVED = "reserved: this version does not have it yet";

export const INLINE = "a secret is never written into the configuration";

export const NAME = "must be lower-case letters, digits and inner hyphens, at most 30";

/** Secrets as they are in the files of `makeFolder`, and in the wrong places of the tests. */
export const SECRET = /SECRETOF|SECRET0|ghp_/i;

export function itTellsOf(rows: readonly Row[]): void {
  it.each(rows)("%s", async (_name, breakIt, path, problem, mend) => {
    const config = soundConfig();
    breakIt(config);
    const error = await failureIn(makeFolder(), config);
    expect(error.problems).toEqual([{ path, problem, mend }]);
    expect(renderProblems(error)).not.toMatch(SECRET);
  });
}
