/**
 * Wakes a controller before its period is over. A wake carries no facts: the controller reads what changed from the store,
 * and does the same without it, only later.
 */
import type { MachineId, PoolName } from "../domain/ids.ts";

export type ControllerName =
  | "ingest"
  | "attend"
  | "assign"
  | "launch"
  | "standby"
  | "mint"
  | "ask"
  | "observe"
  | "hold-members"
  | "hand-back"
  | "retire"
  | "sweep"
  | "sweep-unknown"
  | "retention"
  | "generation"
  | "recover"
  | "recall"
  | "discover"
  | "rerun"
  | "watch-hosts"
  | "watch-version"
  | "watch-departure"
  | "watch-quarantine"
  | "try-pool";

export interface Wake {
  /** @param pool which pool's controller; null for those that serve all pools. */
  controller(name: ControllerName, pool: PoolName | null): void;
  /** Ends the wait of this machine's open poll, if there is one here. */
  machine(machineId: MachineId): void;
}
