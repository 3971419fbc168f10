/**
 * How far AWS's clock is ahead of ours, by the date that each of its answers carries. Ours may be set while we run, or be
 * wrong all along; which member came since the last listing is asked by AWS's clock alone.
 */
import type { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import type { Clock } from "../../ports/clock.ts";

export class ForeignClock {
  readonly #clock: Pick<Clock, "nowMs">;
  #aheadMs = 0;

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  /** 0 before the first answer. An answer's date is to the second. */
  aheadMs(): number {
    return this.#aheadMs;
  }

  /** Reads the date of whatever the client is answered. */
  watch(client: AutoScalingClient): void {
    client.middlewareStack.add(
      (next) => async (call) => {
        const answered = await next(call);
        this.note(dateOf(answered.response));
        return answered;
      },
      { step: "deserialize", name: "holdfast-foreign-clock" },
    );
  }

  note(date: string | null): void {
    const foreignMs = date === null ? Number.NaN : Date.parse(date);
    if (!Number.isNaN(foreignMs)) this.#aheadMs = foreignMs - this.#clock.nowMs();
  }
}

function dateOf(response: unknown): string | null {
  if (typeof response !== "object" || response === null || !("headers" in response)) return null;
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("date" in headers)) return null;
  return typeof headers.date === "string" ? headers.date : null;
}
