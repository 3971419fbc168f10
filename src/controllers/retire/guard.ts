/** The guards against many endings at once, asked with what this pool remembers. `domain/guards` decides. */
import { GUARD_WINDOW_MS, guardAgainstEnding } from "../../domain/guards.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { heardTime, type PoolContext } from "../context.ts";

/** What stands against the ending of this machine by a slow proof; null for nothing. */
export function guardOf(context: PoolContext, id: MachineId): ReasonCode | null {
  const { endedAtMs, machineCount, unknownSinceMs, listing } = context.memory.guards;
  return guardAgainstEnding({
    machineCount,
    // Of one that was permitted before there is no more than its own end to permit.
    endedAtMs: endedAtMs.has(id) ? [] : [...endedAtMs.values()],
    isListingWhole: listing.isWhole,
    listedCount: listing.listedCount,
    unknownSinceMs: [...unknownSinceMs.values()],
    steadySinceMs: listing.steadySinceMs,
    time: heardTime(context),
  });
}

export function noteSlowEnding({ memory, clock }: PoolContext, id: MachineId): void {
  const { endedAtMs } = memory.guards;
  if (!endedAtMs.has(id)) endedAtMs.set(id, clock.nowMs());
}

/** Its place stays taken until the window is over, though it is gone; of others nobody asks any more. */
export function forgetSlowEndings({ memory, clock }: PoolContext, kept: ReadonlySet<MachineId>): void {
  const { endedAtMs } = memory.guards;
  for (const [id, atMs] of endedAtMs)
    if (!kept.has(id) && clock.nowMs() - atMs >= GUARD_WINDOW_MS) endedAtMs.delete(id);
}

const GUARDS: readonly ReasonCode[] = ["too-many-endings", "listing-not-whole", "listing-empty", "many-turned-unknown"];

/** At once: a guard that holds an ending up is a sign that something larger is wrong. */
export function noteGuarded({ telemetry }: PoolContext, machine: Machine, guard: ReasonCode): void {
  if (!GUARDS.includes(guard)) return;
  telemetry.count("holdfast_endings_guarded_total", { pool: machine.pool, guard });
  telemetry.warn("a guard holds an ending up", { machine: machine.id, pool: machine.pool, guard });
}
