import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";

/** This machine's clocks. */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: async (durationMs, signal) => {
      try {
        await wait(durationMs, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
  };
}
