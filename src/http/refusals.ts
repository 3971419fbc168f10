/** Tells of refused calls in the log, with who called; strangers cannot fill it. */
import { MINUTE_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";

/** More of them in one minute are only counted, and the count is told with the next one that is noted. */
export const NOTED_PER_MINUTE_MAX = 20;
/** Of a path that a stranger chose. */
const PATH_LENGTH_MAX = 200;

export interface RefusedCall {
  readonly surface: string;
  readonly caller: string;
  readonly status: number;
  readonly method: string;
  readonly path: string;
}

export class RefusalLog {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #telemetry: Telemetry;
  #minuteBeganAtMs = Number.NEGATIVE_INFINITY;
  #notedCount = 0;
  #unnotedCount = 0;

  constructor(clock: Pick<Clock, "monotonicMs">, telemetry: Telemetry) {
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  note(call: RefusedCall): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#minuteBeganAtMs >= MINUTE_MS) {
      this.#minuteBeganAtMs = nowMs;
      this.#notedCount = 0;
    }
    if (this.#notedCount >= NOTED_PER_MINUTE_MAX) {
      this.#unnotedCount += 1;
      return;
    }
    const unnoted = this.#unnotedCount === 0 ? {} : { unnotedBefore: this.#unnotedCount };
    this.#telemetry.warn("a call was refused", { ...call, path: call.path.slice(0, PATH_LENGTH_MAX), ...unnoted });
    this.#notedCount += 1;
    this.#unnotedCount = 0;
  }
}
