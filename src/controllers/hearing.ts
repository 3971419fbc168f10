/**
 * Keeps in memory when each agent was last heard: by the monotonic clock, so that no word is ever from the future, or from
 * long ago, because somebody set the wall clock.
 */
import type { MachineId } from "../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hearing } from "../ports/hearing.ts";

export function createHearing(clock: Pick<Clock, "nowMs" | "monotonicMs">): Hearing {
  const heardAtMonotonicMs = new Map<MachineId, number>();
  const stirredAtMonotonicMs = new Map<MachineId, number>();
  const wallOf = (atMs: number | undefined) =>
    atMs === undefined ? null : clock.nowMs() - (clock.monotonicMs() - atMs);
  return {
    note: (machineId) => {
      heardAtMonotonicMs.set(machineId, clock.monotonicMs());
      stirredAtMonotonicMs.set(machineId, clock.monotonicMs());
    },
    heardAtMs: (machineId) => wallOf(heardAtMonotonicMs.get(machineId)),
    noteTry: (machineId) => void stirredAtMonotonicMs.set(machineId, clock.monotonicMs()),
    stirredAtMs: (machineId) => wallOf(stirredAtMonotonicMs.get(machineId)),
    forget: (machineId) => {
      heardAtMonotonicMs.delete(machineId);
      stirredAtMonotonicMs.delete(machineId);
    },
  };
}
