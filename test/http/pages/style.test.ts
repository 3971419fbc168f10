import { describe, expect, it } from "vitest";
import { STYLE } from "../../../src/http/pages/style.ts";

/** What is read on what: text that is smaller than large needs 4.5 to 1 (WCAG 2.2, 1.4.3). */
const PAIRS = [
  ["ink", "paper"],
  ["ink", "card"],
  ["quiet", "paper"],
  ["quiet", "card"],
  ["quiet", "none"],
  ["ink", "none"],
  ["accent", "paper"],
  ["accent", "card"],
  ["good-ink", "good"],
  ["busy-ink", "busy"],
  ["warn-ink", "warn"],
  ["warn-ink", "paper"],
  ["bad-ink", "bad"],
  ["bad-ink", "card"],
  ["ink", "band-busy"],
  ["ink", "band-idle"],
  ["ink", "band-starting"],
  ["ink", "band-retiring"],
] as const;

const [light = "", dark = ""] = STYLE.split("@media (prefers-color-scheme: dark)");

function colourOf(sheet: string, name: string): readonly number[] {
  const [, hex = ""] = new RegExp(`--${name}: #([0-9a-f]{6})`).exec(sheet) ?? [];
  expect(hex, name).not.toBe("");
  return [0, 2, 4].map((start) => Number.parseInt(hex.slice(start, start + 2), 16) / 255);
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each([
  ["light", light],
  ["dark", dark],
])("%s", (_name, sheet) => {
  it.each(PAIRS)("%s can be read on %s", (text, ground) => {
    const [a = 0, b = 0] = [luminance(colourOf(sheet, text)), luminance(colourOf(sheet, ground))].sort((x, y) => y - x);
    expect((a + 0.05) / (b + 0.05)).toBeGreaterThanOrEqual(4.5);
  });
});
