import { expect, it } from "vitest";
import { systemRandom } from "../../../src/adapters/system/random.ts";

it("draws tokens of lower-case letters and digits, no two the same", () => {
  const random = systemRandom();
  const tokens = Array.from({ length: 1_000 }, () => random.token(12));
  expect(tokens.every((token) => /^[a-z0-9]{12}$/.test(token))).toBe(true);
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(random.token(32)).toHaveLength(32);
});

it("draws fractions in [0, 1)", () => {
  const random = systemRandom();
  const fractions = Array.from({ length: 1_000 }, () => random.fraction());
  expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
  expect(new Set(fractions).size).toBeGreaterThan(900);
});
