import { describe, expect, it } from "vitest";
import { applyRule } from "./rule.ts";
import { allRules } from "./rules/all-rules.ts";

// Each rule is tried on what it must catch and on what it must leave alone, by the very call that reads the repository.
describe.each(allRules.map((rule) => [rule.name, rule] as const))("%s", (_name, rule) => {
  it.each(rule.planted.map((file) => [file.path, file.text.slice(0, 60), file] as const))(
    "catches in %s: %s",
    (_path, _text, file) => {
      const [sentence] = applyRule(rule, [file]);
      expect(sentence).toContain(`${file.path}:`);
      expect(sentence).toContain(`Instead: ${rule.instead}`);
    },
  );

  it.each(rule.harmless.map((file) => [file.path, file.text.slice(0, 60), file] as const))(
    "leaves alone in %s: %s",
    (_path, _text, file) => {
      expect(applyRule(rule, [file])).toEqual([]);
    },
  );

  it("has something to catch and something to leave alone", () => {
    expect(rule.planted.length).toBeGreaterThan(0);
    expect(rule.harmless.length).toBeGreaterThan(0);
  });
});
