/**
 * A provider that does not know an id has said nothing: an id can be unknown a moment after the launch, in another region,
 * or under other credentials. Twice over 5 minutes of heard time, and not a word from the agent since the first: gone.
 */
import type { ObservedMachine } from "../../domain/observed.ts";
import { isPast } from "../../domain/time.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { heardTime, type PoolContext } from "../context.ts";

const ABSENCE_MS = 5 * MINUTE_MS;

/** @param observed by id. @returns it, or the conclusion that it is gone. */
export function concludeAbsence(context: PoolContext, observed: ObservedMachine): ObservedMachine {
  const { machineId } = observed;
  const { notFound } = context.memory;
  if (machineId === null || context.memory.isPlaceMissing) return observed;
  if (observed.state !== "not-found") {
    notFound.delete(machineId);
    return observed;
  }
  // A refused try to speak is a word as well: somebody is there.
  const stirredAtMs = context.hearing.stirredAtMs(machineId);
  const sinceMs = notFound.get(machineId);
  if (sinceMs === undefined || (stirredAtMs !== null && stirredAtMs >= sinceMs)) {
    notFound.set(machineId, observed.observedAtMs);
    return observed;
  }
  if (!isPast(sinceMs, ABSENCE_MS, heardTime(context))) return observed;
  const isNews = context.memory.observed.get(machineId)?.state !== "gone";
  if (isNews) context.telemetry.count("holdfast_absences_total", { pool: context.pool.name });
  return { ...observed, state: "gone", isAbsent: true };
}
