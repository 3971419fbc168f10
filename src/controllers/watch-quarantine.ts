/**
 * Watches how many deliveries wait for a person: those that could not be handled, and those that could not even be taken in.
 * A single one may be an oddity of GitHub's; many are work that does not happen, and nobody looks at a queue by himself.
 */
import { SECOND_MS } from "../domain/units.ts";
import { countQuarantined } from "../store/deliveries/list.ts";
import type { Surroundings } from "./context.ts";

export const WATCH_QUARANTINE_PERIOD_MS = 10 * SECOND_MS;
/** More are an alarm that pages; `holdfast_deliveries_quarantined` says so too. */
export const QUARANTINED_MAX = 5;

/** @property toldCount how many there were at the last alarm; 0 while there is none. */
export interface QuarantineMemory {
  toldCount: number;
}

/** Told once, and again for each that comes to them. */
export async function watchQuarantine(context: Surroundings, memory: QuarantineMemory): Promise<void> {
  const { store, telemetry } = context;
  const count = await countQuarantined(store.db);
  telemetry.gauge("holdfast_deliveries_quarantined", count, {});
  const isAlarm = count > QUARANTINED_MAX;
  if (isAlarm && count > memory.toldCount)
    telemetry.warn("deliveries could not be handled and wait for a person", { count, max: QUARANTINED_MAX });
  memory.toldCount = isAlarm ? count : 0;
}
