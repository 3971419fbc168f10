import { type LaunchId, type MachineId, parseLaunchId, parseMachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { insertLaunch } from "../../store/launches/save.ts";
import { countPresentByPool } from "../../store/machines/count.ts";
import { insertMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";

export function writeLaunch(context: PoolContext, tx: Queryable, machineCount: number, nowMs: number): Promise<void> {
  const about = { pool: context.pool.name, count: machineCount };
  return context.telemetry.trace("assign", "launch", about, async (span) =>
    span.note({ launch: await insertPlanned(context, tx, machineCount, nowMs) }),
  );
}

async function insertPlanned(
  context: PoolContext,
  tx: Queryable,
  machineCount: number,
  nowMs: number,
): Promise<LaunchId | null> {
  const { pool, random } = context;
  // Counted again inside the transaction: `machines.max` is a promise.
  const present = (await countPresentByPool(tx)).get(pool.name) ?? 0;
  const count = Math.min(machineCount, context.memory.launchSizeMax, pool.machineCountMax - present);
  if (count <= 0) return null;
  const launchId = parseLaunchId(`l-${random.token(ID_TOKEN_LENGTH)}`);
  const machineIds = Array.from({ length: count }, () => parseMachineId(`m-${random.token(ID_TOKEN_LENGTH)}`));
  await insertLaunch(tx, {
    id: launchId,
    pool: pool.name,
    settingsHash: pool.settingsHash,
    machineIds,
    state: "open",
    attemptCount: 0,
    nextAttemptAtMs: nowMs,
    error: null,
    createdAtMs: nowMs,
    version: 1,
    order: null,
    answeredAtMs: null,
  });
  for (const id of machineIds) {
    await insertMachine(tx, plannedMachine(id, launchId, pool, nowMs));
    await recordEvidence(tx, {
      subject: machineSubject(id),
      source: "store",
      fact: `${STEP_FACTS.planned} in launch ${launchId}`,
      observedAtMs: nowMs,
    });
  }
  return launchId;
}

const ID_TOKEN_LENGTH = 12;

function plannedMachine(id: MachineId, launchId: LaunchId, pool: PoolPolicy, nowMs: number): Machine {
  return {
    id,
    pool: pool.name,
    launchId,
    origin: "launched",
    state: { kind: "planned", sinceMs: nowMs },
    version: 1,
    settingsHash: pool.settingsHash,
    foundBySettings: null,
    ticketsGiven: 0,
    isAgentSeen: false,
    incarnation: null,
    sequence: 0,
    report: null,
    retireWhenSpent: null,
    hold: null,
    forced: null,
    createdAtMs: nowMs,
  };
}
