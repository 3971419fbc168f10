import { describe, expect, it } from "vitest";
import { createHearing } from "../../src/controllers/hearing.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { machineId } from "../domain/builders.ts";
import { ManualClock } from "../store/manual-clock.ts";

describe("when an agent was last heard", () => {
  it("is nothing after a start: every agent is unheard-of", () => {
    expect(createHearing(new ManualClock()).heardAtMs(machineId())).toBeNull();
  });

  it.each([
    ["forward", HOUR_MS],
    ["back", -HOUR_MS],
  ])("is as long ago as it is, where the wall clock was set %s since", (_name, byMs) => {
    const clock = new ManualClock();
    clock.advance(10 * HOUR_MS);
    const hearing = createHearing(clock);
    hearing.note(machineId(), clock.nowMs());
    clock.advance(MINUTE_MS);
    clock.step(byMs);
    expect(clock.nowMs() - (hearing.heardAtMs(machineId()) ?? 0)).toBe(MINUTE_MS);
  });
});
