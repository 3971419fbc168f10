/** What of a pool's memory a person wants to know: how fresh the provider's word is, and which calls rest. */
import type { ReasonCode } from "../domain/reasons.ts";
import type { Clock } from "../ports/clock.ts";
import type { PoolMemory } from "./context.ts";

export interface RestingCalls {
  readonly what: "launches" | "tickets";
  readonly reason: ReasonCode;
  readonly untilMs: number;
}

export interface PoolMemoryReading {
  readonly listedAtMs: number | null;
  readonly isListingFailing: boolean;
  readonly pauses: readonly RestingCalls[];
}

export function readingOf(
  { guards: { listing }, launch, mintPauses }: Pick<PoolMemory, "guards" | "launch" | "mintPauses">,
  clock: Pick<Clock, "nowMs" | "monotonicMs">,
): PoolMemoryReading {
  const monotonicMs = clock.monotonicMs();
  const rest = (what: RestingCalls["what"], reason: ReasonCode, untilMonotonicMs: number): readonly RestingCalls[] =>
    untilMonotonicMs <= monotonicMs
      ? []
      : [{ what, reason, untilMs: clock.nowMs() + (untilMonotonicMs - monotonicMs) }];
  // Each place of GitHub pauses by itself; of several with one reason the longest is told.
  const tickets = new Map<ReasonCode, RestingCalls>();
  for (const { reason, untilMonotonicMs } of mintPauses.values())
    for (const pause of rest("tickets", reason, untilMonotonicMs))
      if (pause.untilMs > (tickets.get(reason)?.untilMs ?? 0)) tickets.set(reason, pause);
  return {
    listedAtMs: listing.wholeAtMs,
    isListingFailing: !listing.isWhole && listing.wholeAtMs !== null,
    pauses: [...rest("launches", launch.reason, launch.untilMonotonicMs), ...tickets.values()],
  };
}
