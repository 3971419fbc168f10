import { describe, expect, it } from "vitest";
import { REASONS, RETIRE_REASONS, type ReasonCode, sentenceOf } from "../../src/domain/reasons.ts";

const codes = Object.keys(REASONS) as readonly ReasonCode[];

describe("the catalogue of reasons", () => {
  it.each(codes)("%s has one sentence for a person", (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(sentenceOf(code)).toMatch(/^[A-Z].{10,}\.$/);
  });

  it("says no sentence twice: two reasons that read alike are one", () => {
    expect(new Set(codes.map(sentenceOf)).size).toBe(codes.length);
  });

  it("has every reason for retiring, each once", () => {
    expect(RETIRE_REASONS.filter((reason) => !codes.includes(reason))).toEqual([]);
    expect(new Set(RETIRE_REASONS).size).toBe(RETIRE_REASONS.length);
  });
});
