/** Keeps in memory when each agent was last heard. */
import type { MachineId } from "../domain/ids.ts";
import type { Hearing } from "../ports/hearing.ts";

export function createHearing(): Hearing {
  const heardAtMs = new Map<MachineId, number>();
  return {
    note: (machineId, nowMs) => void heardAtMs.set(machineId, nowMs),
    heardAtMs: (machineId) => heardAtMs.get(machineId) ?? null,
    forget: (machineId) => void heardAtMs.delete(machineId),
  };
}
