/** An agent that has seen a later store than ours tells us that ours was restored from a backup. */
import type { MachineId } from "../../domain/ids.ts";
import type { ReportRequest } from "../../domain/protocol.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { markRestored, passGeneration, readGeneration } from "../../store/facts.ts";
import type { Store } from "../../store/store.ts";
import { inTransaction } from "../../store/transaction.ts";

export interface GenerationOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Before anything is done about the report: what it says is then judged by rows that claim no more than they know.
 * @returns our generation, which the answer tells.
 */
export async function compareGenerations(
  { store, clock, telemetry }: GenerationOptions,
  { machineId, storeGeneration }: ReportRequest,
): Promise<number> {
  const generation = await readGeneration(store.db);
  if (storeGeneration <= generation) return generation;
  const isNews = await inTransaction(store, async (tx) => {
    const wasBehind = await passGeneration(tx, storeGeneration);
    return wasBehind && (await markRestored(tx, store.generation, clock.nowMs()));
  });
  if (isNews) tellRestored(telemetry, machineId);
  return readGeneration(store.db);
}

function tellRestored(telemetry: Telemetry, machineId: MachineId): void {
  telemetry.count("holdfast_stores_restored_total", {});
  telemetry.warn("the store was restored from a backup: every machine counts as busy until its host has spoken", {
    sign: `machine ${machineId} has seen a later store`,
  });
}
