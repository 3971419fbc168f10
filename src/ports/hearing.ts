/**
 * When each agent was last heard. Kept in memory only: losing it makes every agent unheard-of, which can only make a
 * machine more unknown. What other replicas hear is told through the store, to be noted here as well.
 */
import type { MachineId, ProviderId } from "../domain/ids.ts";

export interface Hearing {
  note(machineId: MachineId): void;
  heardAtMs(machineId: MachineId): number | null;
  /** Somebody tried to speak as this machine and was refused: no word of its agent, but no silence either. */
  noteTry(machineId: MachineId): void;
  /** The last word or try. */
  stirredAtMs(machineId: MachineId): number | null;
  forget(machineId: MachineId): void;
  /** The agent of a machine that has no row spoke, under a token of ours. */
  noteRowless(providerId: ProviderId): void;
  /** Those that did within the last minutes: no listing may ever show them. */
  listRowless(): readonly ProviderId[];
}
