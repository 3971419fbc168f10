import { expect, it } from "vitest";
import { Attention } from "../../../src/simulator/world/attention.ts";

it("tells the longest stretch without a gap that reaches into a time, whole", () => {
  const clock = { nowMs: 0 };
  const attention = new Attention(clock);
  clock.nowMs = 100;
  attention.interrupt(50);
  clock.nowMs = 170;
  expect(attention.longestMs(120)).toBe(20);
  clock.nowMs = 200;
  attention.interrupt();
  clock.nowMs = 230;
  expect([attention.longestMs(190), attention.longestMs(200)]).toEqual([50, 30]);
});

it("counts from ever where there was no gap", () => {
  expect(new Attention({ nowMs: 5 }).longestMs(0)).toBe(Number.POSITIVE_INFINITY);
});
