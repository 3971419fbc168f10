/** The guards against many endings at once, asked with what this pool remembers. `domain/guards` decides. */
import { GUARD_WINDOW_MS, guardAgainstEnding } from "../../domain/guards.ts";
import type { Machine } from "../../domain/machine.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { heardTime, type PoolContext } from "../context.ts";

/** What stands against one more ending by a slow proof; null for nothing. */
export function guardOf(context: PoolContext): ReasonCode | null {
  const { endedAtMs, machineCount, unknownSinceMs, listing } = context.memory.guards;
  return guardAgainstEnding({
    machineCount,
    endedAtMs,
    isListingWhole: listing.isWhole,
    listedCount: listing.listedCount,
    unknownSinceMs: [...unknownSinceMs.values()],
    steadySinceMs: listing.steadySinceMs,
    time: heardTime(context),
  });
}

export function noteSlowEnding({ memory, clock }: PoolContext): void {
  const { endedAtMs } = memory.guards;
  const nowMs = clock.nowMs();
  while (endedAtMs[0] !== undefined && nowMs - endedAtMs[0] >= GUARD_WINDOW_MS) endedAtMs.shift();
  endedAtMs.push(nowMs);
}

const GUARDS: readonly ReasonCode[] = ["too-many-endings", "listing-not-whole", "listing-empty", "many-turned-unknown"];

/** At once: a guard that holds an ending up is a sign that something larger is wrong. */
export function noteGuarded({ telemetry }: PoolContext, machine: Machine, guard: ReasonCode): void {
  if (!GUARDS.includes(guard)) return;
  telemetry.count("holdfast_endings_guarded_total", { pool: machine.pool, guard });
  telemetry.warn("a guard holds an ending up", { machine: machine.id, pool: machine.pool, guard });
}
