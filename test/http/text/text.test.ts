import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { formatAgo, formatDuration } from "../../../src/http/text/durations.ts";
import { plainAnswer, plainText } from "../../../src/http/text/plain-text.ts";

describe("text from elsewhere", () => {
  it.each([
    ["stays as it is", "build (ubuntu, 22) – größer 日本", "build (ubuntu, 22) – größer 日本"],
    ["loses colours", "\u001b[31mred\u001b[0m", "red"],
    ["loses a title that it would set", "\u001b]0;owned\u0007after", "after"],
    ["loses a link that it would make", "\u001b]8;;https://evil\u001b\\click\u001b]8;;\u001b\\", "click"],
    ["loses C1 controls", "a\u009b31mb\u0090c", "abc"],
    ["loses a bell, a backspace and NUL", "a\u0007\u0008\u0000b", "ab"],
    ["has one line", "a\r\nb\tc\u2028d", "a b c d"],
    ["runs in one direction", "a\u202egnp.exe\u2066b", "agnp.exeb"],
    ["hides nothing between letters", "pay\u200bpal\ufeff", "paypal"],
  ])("%s", (_name, text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  it("is found wherever it is in an answer", () => {
    expect(plainAnswer({ a: ["\u0007x", { b: "\u001b[1my" }], n: 1, z: null })).toEqual({
      a: ["x", { b: "y" }],
      n: 1,
      z: null,
    });
  });
});

describe("durations", () => {
  it.each([
    [-5, "0s"],
    [999, "0s"],
    [42 * SECOND_MS, "42s"],
    [3 * MINUTE_MS, "3m"],
    [3 * MINUTE_MS + 20 * SECOND_MS, "3m 20s"],
    [59 * MINUTE_MS + 59 * SECOND_MS, "59m"],
    [2 * HOUR_MS + 5 * MINUTE_MS, "2h 5m"],
    [DAY_MS, "1d"],
    [3 * DAY_MS + 4 * HOUR_MS + MINUTE_MS, "3d 4h"],
  ])("%i ms is %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it.each([
    ["2026-08-19T16:10:00.000Z", "just now"],
    ["2026-08-19T16:10:05.000Z", "just now"],
    ["2026-08-19T16:07:00.000Z", "3m ago"],
  ])("%s is %s", (at, text) => {
    expect(formatAgo(at, "2026-08-19T16:10:00.000Z")).toBe(text);
  });
});
