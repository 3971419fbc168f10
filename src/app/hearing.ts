/** Keeps in memory when each agent was last heard. */
import type { MachineId } from "../domain/ids.ts";
import type { Hearing } from "../ports/hearing.ts";

export function createHearing(): Hearing {
  const heardAtMs = new Map<MachineId, number>();
  const stirredAtMs = new Map<MachineId, number>();
  return {
    note: (machineId, nowMs) => {
      heardAtMs.set(machineId, nowMs);
      stirredAtMs.set(machineId, nowMs);
    },
    heardAtMs: (machineId) => heardAtMs.get(machineId) ?? null,
    noteTry: (machineId, nowMs) => void stirredAtMs.set(machineId, nowMs),
    stirredAtMs: (machineId) => stirredAtMs.get(machineId) ?? null,
    forget: (machineId) => {
      heardAtMs.delete(machineId);
      stirredAtMs.delete(machineId);
    },
  };
}
