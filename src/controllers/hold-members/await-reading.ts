/** Readings may hang for as long as their client tries: whoever is held meanwhile must not wait for them. */
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** A reading takes less; the least time between two heartbeats of a hook is 7.5 s. */
export const READING_WAIT_MS = 2 * SECOND_MS;

/** @returns null where it has not come by then: it goes on, and can be awaited again. */
export async function awaitReading<Value>(clock: Clock, coming: Promise<Value>): Promise<Value | null> {
  const over = new AbortController();
  try {
    return await Promise.race([coming, clock.sleep(READING_WAIT_MS, over.signal).then(() => null)]);
  } finally {
    over.abort();
  }
}
