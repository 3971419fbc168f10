import { type LaunchId, type MachineId, parseLaunchId, parseMachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { LAUNCH_MACHINES_MAX, nextLaunchSize } from "../../domain/scale.ts";
import { ageMs } from "../../domain/time.ts";
import { HOUR_MS } from "../../domain/units.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { findLastLaunch } from "../../store/launches/load.ts";
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

/** What room there was so long ago says nothing of what there is. */
const REFUSAL_KNOWN_MS = HOUR_MS;

/**
 * A process that has just started asks for no more than one would that had been refused the last launch: else processes that
 * end before they ask a second time would ask for too many for ever (EC2 world 195). One that was drafted to no avail was
 * as large as the one before it left room for.
 */
async function readSizeMax(tx: Queryable, pool: PoolPolicy, nowMs: number): Promise<number> {
  const last = await findLastLaunch(tx, pool.name);
  if (last?.state !== "refused" || ageMs(last.createdAtMs, nowMs) > REFUSAL_KNOWN_MS) return LAUNCH_MACHINES_MAX;
  const { length } = last.machineIds;
  return last.order === null ? length : nextLaunchSize(LAUNCH_MACHINES_MAX, length, "refused");
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
  const sizeMax = context.memory.launchSizeMax ?? (await readSizeMax(tx, pool, nowMs));
  context.memory.launchSizeMax = sizeMax;
  const count = Math.min(machineCount, sizeMax, pool.machineCountMax - present);
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
