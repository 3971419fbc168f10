/** An agent that has seen a later store than ours tells us that ours was restored from a backup. */
import type { MachineId } from "../../domain/ids.ts";
import type { ReportRequest } from "../../domain/protocol.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { markRestored, passGeneration, readStanding, type Standing } from "../../store/facts.ts";
import type { Store } from "../../store/store.ts";
import { inTransaction } from "../../store/transaction.ts";

export interface GenerationOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Before anything is done about the report: what it says is then judged by rows that claim no more than they know.
 * @returns what the answer tells of the store, our generation among it.
 */
export async function compareGenerations(
  { store, clock, telemetry }: GenerationOptions,
  { machineId, storeGeneration }: ReportRequest,
): Promise<Standing> {
  const standing = await readStanding(store.db, machineId);
  if (storeGeneration <= standing.generation) return standing;
  const isNews = await inTransaction(store, async (tx) => {
    const wasBehind = await passGeneration(tx, storeGeneration);
    return wasBehind && (await markRestored(tx, store.generation, clock.nowMs()));
  });
  if (isNews) tellRestored(telemetry, machineId);
  return readStanding(store.db, machineId);
}

function tellRestored(telemetry: Telemetry, machineId: MachineId): void {
  telemetry.count("holdfast_stores_restored_total", {});
  telemetry.warn("the store was restored from a backup: every machine counts as busy until its host has spoken", {
    machine: machineId,
    sign: `machine ${machineId} has seen a later store`,
  });
}
