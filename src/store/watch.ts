import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";

/** What measures how long the store takes. */
export interface StoreWatch {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}
