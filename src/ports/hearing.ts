/**
 * When each agent was last heard. Kept in memory only: losing it makes every agent unheard-of, which can only make a
 * machine more unknown. What other replicas hear is told through the store, to be noted here as well.
 */
import type { MachineId } from "../domain/ids.ts";

export interface Hearing {
  /** The name of this process among those that hear agents. */
  readonly listener: string;
  note(machineId: MachineId): void;
  heardAtMs(machineId: MachineId): number | null;
  /** Somebody tried to speak as this machine and was refused: no word of its agent, but no silence either. */
  noteTry(machineId: MachineId): void;
  /** The last word or try. */
  stirredAtMs(machineId: MachineId): number | null;
  /** Another process heard it, so many milliseconds ago. What was before this one started counts for nothing. */
  noteElsewhere(machineId: MachineId, heardForMs: number | null, stirredForMs: number): void;
  /** Whether the other processes are to be told now; true once in so long for each machine, and after each longer silence. */
  isToTell(machineId: MachineId): boolean;
  forget(machineId: MachineId): void;
}
