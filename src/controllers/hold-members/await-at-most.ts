/** Calls may hang for as long as their client tries: whoever is to be held meanwhile must not wait for them. */
import type { Clock } from "../../ports/clock.ts";

/** @returns null where it has not come by then: it goes on, and can be awaited again. */
export async function awaitAtMost<Value>(clock: Clock, waitMs: number, coming: Promise<Value>): Promise<Value | null> {
  const over = new AbortController();
  try {
    return await Promise.race([coming, clock.sleep(waitMs, over.signal).then(() => null)]);
  } finally {
    over.abort();
  }
}
