import { describe, expect, it } from "vitest";
import { createHearing } from "../../src/controllers/hearing.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { machineId } from "../domain/builders.ts";
import { ManualClock } from "../store/manual-clock.ts";

describe("what another process heard", () => {
  const open = () => {
    const clock = new ManualClock();
    clock.advance(10 * HOUR_MS);
    return { clock, hearing: createHearing(clock, "here") };
  };

  it("counts where it is later than what was heard here", () => {
    const { clock, hearing } = open();
    clock.advance(HOUR_MS);
    hearing.noteElsewhere(machineId(), 2 * MINUTE_MS, MINUTE_MS);
    expect(clock.nowMs() - (hearing.heardAtMs(machineId()) ?? 0)).toBe(2 * MINUTE_MS);
    expect(clock.nowMs() - (hearing.stirredAtMs(machineId()) ?? 0)).toBe(MINUTE_MS);
    hearing.note(machineId());
    hearing.noteElsewhere(machineId(), MINUTE_MS, MINUTE_MS);
    expect(hearing.heardAtMs(machineId())).toBe(clock.nowMs());
    expect(hearing.stirredAtMs(machineId())).toBe(clock.nowMs());
  });

  it("counts for nothing where it was before this one started, and is never from the future", () => {
    const { clock, hearing } = open();
    clock.advance(MINUTE_MS);
    hearing.noteElsewhere(machineId(), MINUTE_MS, MINUTE_MS);
    expect([hearing.heardAtMs(machineId()), hearing.stirredAtMs(machineId())]).toEqual([null, null]);
    hearing.noteElsewhere(machineId(), null, -HOUR_MS);
    expect([hearing.heardAtMs(machineId()), hearing.stirredAtMs(machineId())]).toEqual([null, clock.nowMs()]);
  });

  it("is told of once in 15 s for each machine, and at once where it was forgotten", () => {
    const { clock, hearing } = open();
    const told = () => hearing.isToTell(machineId());
    expect([told(), told(), hearing.isToTell(machineId(2))]).toEqual([true, false, true]);
    clock.advance(15 * SECOND_MS - 1);
    expect(told()).toBe(false);
    clock.advance(1);
    expect([told(), told()]).toEqual([true, false]);
    hearing.forget(machineId());
    expect(told()).toBe(true);
  });
});

describe("when an agent was last heard", () => {
  it("is nothing after a start: every agent is unheard-of", () => {
    expect(createHearing(new ManualClock(), "here").heardAtMs(machineId())).toBeNull();
  });

  it.each([
    ["forward", HOUR_MS],
    ["back", -HOUR_MS],
  ])("is as long ago as it is, where the wall clock was set %s since", (_name, byMs) => {
    const clock = new ManualClock();
    clock.advance(10 * HOUR_MS);
    const hearing = createHearing(clock, "here");
    hearing.note(machineId());
    clock.advance(MINUTE_MS);
    clock.step(byMs);
    expect(clock.nowMs() - (hearing.heardAtMs(machineId()) ?? 0)).toBe(MINUTE_MS);
  });
});
