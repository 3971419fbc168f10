/**
 * Spaces calls that change something. Auto Scaling's limits are unpublished, are the account's in the whole region, and
 * hit everybody in it: so a fleet of which all members wait at once is cared for in turn.
 */
import { ProviderError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

export const CALLS_PER_SECOND_MAX = 10;
const INTERVAL_MS = SECOND_MS / CALLS_PER_SECOND_MAX;
/** Who would wait longer is told to come again: a permit is worth 30 s. */
export const PACE_WAIT_MAX_MS = 20 * SECOND_MS;

export class Pace {
  readonly #clock: Clock;
  #nextMonotonicMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {ProviderError} `provider-unavailable` where too many wait already. */
  async take(attempted: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const turnMs = Math.max(nowMs, this.#nextMonotonicMs);
    const waitMs = turnMs - nowMs;
    if (waitMs > PACE_WAIT_MAX_MS) {
      const why = `its turn among the calls to Auto Scaling, of which ${CALLS_PER_SECOND_MAX} a second are made, is too far off`;
      throw new ProviderError("provider-unavailable", `${attempted}: ${why}`);
    }
    this.#nextMonotonicMs = turnMs + INTERVAL_MS;
    if (waitMs > 0) await this.#clock.sleep(waitMs);
  }
}
