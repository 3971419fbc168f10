/**
 * Keeps in memory when each agent was last heard: by the monotonic clock, so that no word is ever from the future, or from
 * long ago, because somebody set the wall clock.
 */
import type { MachineId } from "../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hearing } from "../ports/hearing.ts";

export function createHearing(clock: Pick<Clock, "nowMs" | "monotonicMs">): Hearing {
  const heardAtMonotonicMs = new Map<MachineId, number>();
  return {
    note: (machineId) => void heardAtMonotonicMs.set(machineId, clock.monotonicMs()),
    heardAtMs: (machineId) => {
      const atMs = heardAtMonotonicMs.get(machineId);
      return atMs === undefined ? null : clock.nowMs() - (clock.monotonicMs() - atMs);
    },
    forget: (machineId) => void heardAtMonotonicMs.delete(machineId),
  };
}
