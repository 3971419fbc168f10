import { describe, expect, it } from "vitest";
import { createHearing } from "../../src/controllers/hearing.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { machineId } from "../domain/builders.ts";
import { ManualClock } from "../store/manual-clock.ts";

describe("what another process heard", () => {
  const open = () => {
    const clock = new ManualClock();
    clock.advance(10 * HOUR_MS);
    const hearing = createHearing(clock);
    const elsewhere = (heardForMs: number | null, stirredForMs: number) =>
      hearing.noteElsewhere({ machineId: machineId(), heardForMs, stirredForMs });
    const ages = () =>
      [hearing.heardAtMs(machineId()), hearing.stirredAtMs(machineId())].map((atMs) =>
        atMs === null ? null : clock.nowMs() - atMs,
      );
    return { clock, hearing, elsewhere, ages };
  };

  it("counts where it is later than what was heard here", () => {
    const { clock, hearing, elsewhere, ages } = open();
    clock.advance(HOUR_MS);
    elsewhere(2 * MINUTE_MS, MINUTE_MS);
    expect(ages()).toEqual([2 * MINUTE_MS, MINUTE_MS]);
    hearing.note(machineId());
    elsewhere(MINUTE_MS, MINUTE_MS);
    expect(ages()).toEqual([0, 0]);
  });

  it("counts for nothing where it was before this one started", () => {
    const { clock, elsewhere, ages } = open();
    clock.advance(MINUTE_MS);
    elsewhere(MINUTE_MS, MINUTE_MS);
    expect(ages()).toEqual([null, null]);
  });

  it("counts for nothing where it is from the future: it was told before somebody set the clock back", () => {
    const { clock, elsewhere, ages } = open();
    clock.advance(MINUTE_MS);
    elsewhere(-HOUR_MS, -HOUR_MS);
    expect(ages()).toEqual([null, null]);
    elsewhere(-SECOND_MS, -SECOND_MS);
    expect(ages()).toEqual([0, 0]);
  });

  it("is not silence where it was a word and the try was here", () => {
    const { clock, hearing, elsewhere, ages } = open();
    clock.advance(HOUR_MS);
    hearing.noteTry(machineId());
    elsewhere(MINUTE_MS, MINUTE_MS);
    expect(ages()).toEqual([MINUTE_MS, 0]);
  });
});

describe("what the others are to be told", () => {
  const open = () => {
    const clock = new ManualClock();
    return { clock, hearing: createHearing(clock) };
  };

  it("is what was heard here since they were told last, and how long ago", () => {
    const { clock, hearing } = open();
    hearing.note(machineId(1));
    hearing.noteTry(machineId(2));
    hearing.noteElsewhere({ machineId: machineId(3), heardForMs: 0, stirredForMs: 0 });
    clock.advance(SECOND_MS);
    expect(hearing.takeUntold()).toEqual([
      { machineId: machineId(1), heardForMs: SECOND_MS, stirredForMs: SECOND_MS },
      { machineId: machineId(2), heardForMs: null, stirredForMs: SECOND_MS },
    ]);
    expect(hearing.takeUntold()).toEqual([]);
    hearing.noteTry(machineId(1));
    expect(hearing.takeUntold()).toEqual([{ machineId: machineId(1), heardForMs: null, stirredForMs: 0 }]);
  });

  it("is the same again where it could not be told", () => {
    const { hearing } = open();
    hearing.note(machineId(1));
    const taken = hearing.takeUntold();
    hearing.noteTry(machineId(1));
    hearing.putBack(taken);
    expect(hearing.takeUntold()).toEqual(taken);
  });

  it("is nothing of a machine that was forgotten", () => {
    const { hearing } = open();
    hearing.note(machineId());
    hearing.forget(machineId());
    expect(hearing.takeUntold()).toEqual([]);
  });

  it("keeps no machine in memory that has been silent for a month", () => {
    const { clock, hearing } = open();
    hearing.note(machineId());
    hearing.takeUntold();
    clock.advance(30 * DAY_MS);
    hearing.takeUntold();
    expect(hearing.heardAtMs(machineId())).not.toBeNull();
    clock.advance(2 * DAY_MS);
    hearing.takeUntold();
    expect(hearing.heardAtMs(machineId())).toBeNull();
  });
});

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
    hearing.note(machineId());
    clock.advance(MINUTE_MS);
    clock.step(byMs);
    expect(clock.nowMs() - (hearing.heardAtMs(machineId()) ?? 0)).toBe(MINUTE_MS);
  });
});
