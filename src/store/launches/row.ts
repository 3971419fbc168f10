import { type LaunchId, type MachineId, type PoolName, parseLaunchId, parsePoolName } from "../../domain/ids.ts";
import type { LaunchesTable } from "../schema.ts";

/** One call to a provider that starts machines: the exact request, repeated as it is until its outcome is known. */
export interface LaunchRow {
  readonly id: LaunchId;
  readonly pool: PoolName;
  readonly settingsHash: string;
  readonly machineIds: readonly MachineId[];
  /** `open` until the provider answered; `refused` where it positively started nothing. */
  readonly state: "open" | "done" | "refused";
  readonly attemptCount: number;
  readonly nextAttemptAtMs: number;
  /** The last failure, as a person reads it. */
  readonly error: string | null;
  readonly createdAtMs: number;
  readonly version: number;
  /** The provider's own words for the request, drafted before the first call; null for kinds that need none. */
  readonly order: string | null;
  /** When it came to be `done` or `refused`; null while it is open, and of one that an older version closed. */
  readonly answeredAtMs: number | null;
}

export function toLaunchColumns(launch: LaunchRow): LaunchesTable {
  return {
    id: launch.id,
    pool: launch.pool,
    settings_hash: launch.settingsHash,
    machine_ids: JSON.stringify(launch.machineIds),
    state: launch.state,
    attempt_count: launch.attemptCount,
    next_attempt_ms: launch.nextAttemptAtMs,
    error: launch.error,
    created_ms: launch.createdAtMs,
    version: launch.version,
    provider_order: launch.order,
    answered_ms: launch.answeredAtMs,
  };
}

export function toLaunch(row: LaunchesTable): LaunchRow {
  return {
    id: parseLaunchId(row.id),
    pool: parsePoolName(row.pool),
    settingsHash: row.settings_hash,
    machineIds: JSON.parse(row.machine_ids),
    state: row.state as LaunchRow["state"],
    attemptCount: row.attempt_count,
    nextAttemptAtMs: row.next_attempt_ms,
    error: row.error,
    createdAtMs: row.created_ms,
    version: row.version,
    order: row.provider_order,
    answeredAtMs: row.answered_ms,
  };
}
