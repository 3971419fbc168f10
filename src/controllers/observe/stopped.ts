/**
 * A machine that somebody stopped, and not we: nothing runs on it, and nobody will start it again for us. It counts as dead
 * after a while, in which whoever stopped it may change their mind.
 */
import type { Machine } from "../../domain/machine.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { isPast } from "../../domain/time.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { heardTime, type PoolContext } from "../context.ts";

const STOPPED_FOR_MS = 15 * MINUTE_MS;

/** @param row null where none is known. @returns it, or the conclusion that it is dead. */
export function concludeStop(context: PoolContext, observed: ObservedMachine, row: Machine | null): ObservedMachine {
  const { machineId } = observed;
  const { stoppedSinceMs } = context.memory;
  if (machineId === null) return observed;
  // A group stops what goes to its reserve, and starts it again, or puts it to sleep with all that runs there.
  if (observed.state !== "stopped" || isOurStop(row) || observed.membership?.place === "reserve") {
    stoppedSinceMs.delete(machineId);
    return observed;
  }
  const sinceMs = stoppedSinceMs.get(machineId) ?? observed.observedAtMs;
  stoppedSinceMs.set(machineId, sinceMs);
  // Whoever is heard of runs, whatever the provider says: it counts from there.
  const fromMs = Math.max(sinceMs, context.hearing.stirredAtMs(machineId) ?? sinceMs);
  return isPast(fromMs, STOPPED_FOR_MS, heardTime(context)) ? { ...observed, state: "dead" } : observed;
}

/** We stopped it, or are about to; one that was started again, or ends, is not to stay stopped. */
function isOurStop(row: Machine | null): boolean {
  return row?.state.kind === "stopping" || row?.state.kind === "stopped";
}
