import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";

describe("sleep", () => {
  it("takes its time, by both clocks", async () => {
    const clock = systemClock();
    const [startMs, startMonotonicMs] = [clock.nowMs(), clock.monotonicMs()];
    await clock.sleep(30);
    expect(clock.monotonicMs() - startMonotonicMs).toBeGreaterThanOrEqual(29);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(startMs);
  });

  it("ends at once, without an error, when the signal aborts or has", async () => {
    const clock = systemClock();
    const abort = new AbortController();
    const sleeping = clock.sleep(3_600_000, abort.signal);
    abort.abort(new Error("enough"));
    await expect(sleeping).resolves.toBeUndefined();
    await expect(clock.sleep(3_600_000, abort.signal)).resolves.toBeUndefined();
  });
});
