/** Writes a check-in: who speaks as the machine from now on, and whether somebody else does as well. */
import { isReturn } from "../../domain/check-in.ts";
import type { PoolName } from "../../domain/ids.ts";
import type { CheckInRequest } from "../../domain/protocol.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { listCheckIns, saveCheckIn } from "../../store/machines/check-ins.ts";
import { recordIncarnation } from "../../store/machines/heard.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { saveQuarantine } from "../../store/machines/presume.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject } from "../../store/subjects.ts";

export interface CheckInOutcome {
  /** Null where the store does not know the machine. */
  readonly pool: PoolName | null;
  /** By this check-in. */
  readonly isQuarantined: boolean;
}

export async function writeCheckIn(tx: Queryable, request: CheckInRequest, nowMs: number): Promise<CheckInOutcome> {
  const { machineId, incarnation, bootId } = request;
  const before = await loadMachine(tx, machineId);
  if (before === null) return { pool: null, isQuarantined: false };
  const isSecond = isReturn(await listCheckIns(tx, machineId), before.incarnation, incarnation);
  await saveCheckIn(tx, { machineId, incarnation, bootId, nowMs, isReturn: isSecond });
  await recordIncarnation(tx, machineId, incarnation);
  const subject = machineSubject(machineId);
  const fact = `agent ${incarnation} checked in`;
  await recordEvidence(tx, { subject, source: "agent", fact, observedAtMs: nowMs });
  const machine = await loadMachine(tx, machineId);
  const why = `agent ${incarnation} checked in again after ${before.incarnation} had`;
  const isQuarantined = isSecond && machine !== null && (await saveQuarantine(tx, machine, why, nowMs));
  return { pool: before.pool, isQuarantined };
}
