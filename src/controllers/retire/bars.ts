/**
 * What operators' words stop right now: read from the store at each step, and once more right before the provider is
 * called, so that a hold or a freeze counts from the moment in which it is written.
 */
import type { EndingStep } from "../../domain/ending.ts";
import type { MachineId, PoolName } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { barsToEnding } from "../../domain/operator-words.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { findFreezeOver } from "../../store/freezes.ts";
import { loadMachine } from "../../store/machines/load.ts";
import type { Queryable } from "../../store/schema.ts";

export interface Barred {
  /** Its row, read last. */
  readonly machine: Machine | null;
  /** Empty where nothing stands in the way. */
  readonly bars: readonly ReasonCode[];
}

export async function readBars(db: Queryable, pool: PoolName, id: MachineId): Promise<Barred> {
  const isFrozen = (await findFreezeOver(db, pool)) !== null;
  const machine = await loadMachine(db, id);
  return { machine, bars: machine === null ? [] : barsToEnding(machine, isFrozen) };
}

/** A barred machine stays where it is on its way. Voiding what never left us and closing what is gone end nothing. */
export async function heedBars(db: Queryable, { pool, id }: Machine, step: EndingStep): Promise<EndingStep> {
  if (step.kind !== "stage" && step.kind !== "terminate") return step;
  const { bars } = await readBars(db, pool, id);
  return bars.length > 0 ? { kind: "wait", missing: bars } : step;
}
