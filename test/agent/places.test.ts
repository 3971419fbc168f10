/** Who may come to the agent's folders. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePlaces } from "../../src/agent/places.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-places-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("the agent's folders", () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it("can be passed through to the runner's own, also those above that were not there, and read by nobody", () => {
    const directory = join(base, "state", "i-0123456789abcdef0");
    makePlaces({ directory, volatileDirectory: join(base, "run") }, true);
    for (const path of [join(base, "state"), directory, join(directory, "roots"), join(base, "run")])
      expect([path, modeOf(path)]).toEqual([path, 0o711]);
  });

  it("are nobody else's where the runner is the agent's own user", () => {
    const places = makePlaces({ directory: join(base, "agent"), volatileDirectory: join(base, "volatile") });
    for (const path of [places.directory, places.volatileDirectory, places.rootsDirectory])
      expect(modeOf(path)).toBe(0o700);
  });
});
