/**
 * Whether the machine slept, or stood still: hibernated into a group's warm pool, say. Neither the boot id nor the process
 * table shows it. A clock does: the wall clock goes on while the monotonic one stands still, or the monotonic one jumps.
 */
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { System } from "./system.ts";

/** More than the wall clock is corrected by while all is well; a correction that is larger counts as a sleep. */
const DRIFT_MAX_MS = 2 * SECOND_MS;
/** Longer than anything that whoever asks does between two questions. */
const STANDSTILL_MS = MINUTE_MS;

export class SleepSense {
  readonly #system: Pick<System, "monotonicMs" | "wallClockMs">;
  #monotonicMs: number;
  #wallClockMs: number;

  constructor(system: Pick<System, "monotonicMs" | "wallClockMs">) {
    this.#system = system;
    this.#monotonicMs = system.monotonicMs();
    this.#wallClockMs = system.wallClockMs();
  }

  /** Since it was last asked. */
  hasSlept(): boolean {
    const monotonicMs = this.#system.monotonicMs();
    const wallClockMs = this.#system.wallClockMs();
    const passedMs = monotonicMs - this.#monotonicMs;
    const driftMs = Math.abs(wallClockMs - this.#wallClockMs - passedMs);
    this.#monotonicMs = monotonicMs;
    this.#wallClockMs = wallClockMs;
    return driftMs > DRIFT_MAX_MS || passedMs > STANDSTILL_MS;
  }
}
