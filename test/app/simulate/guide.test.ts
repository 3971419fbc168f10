import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { INVARIANTS } from "../../../src/simulator/scenario/result.ts";
import { ROOT } from "../../house/temp-tree.ts";
import { read } from "./scenario-folder.ts";

const GUIDE = readFileSync(join(ROOT, "docs/guide/simulate.md"), "utf8");

function examples(language: string): readonly string[] {
  return [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
}

describe("the guide", () => {
  const yaml = examples("yaml");
  const [trace = ""] = examples("csv");

  it("has examples, one of a trace among them", () => {
    expect(yaml.length).toBeGreaterThanOrEqual(7);
    expect(trace).toContain("queued_at");
  });

  it.each(yaml.map((text) => [text.split("\n").find((line) => !/^\s*$/.test(line)), text]))(
    "%s … is a sound scenario",
    async (_first, text = "") => {
      const { scenario } = await read(text, { "jobs.csv": trace });
      expect(scenario.pools.length).toBeGreaterThan(0);
    },
  );

  it("says what each invariant keeps", () => {
    for (const invariant of INVARIANTS) expect(GUIDE).toContain(`| ${invariant} |`);
  });
});
