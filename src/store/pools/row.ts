import { type PoolName, parsePoolName } from "../../domain/ids.ts";
import type { PoolSettingsTable } from "../schema.ts";

/** What a pool was configured with at some start. */
export interface PoolSettings {
  readonly pool: PoolName;
  readonly settingsHash: string;
  /** JSON, without secrets; what it holds is the configuration's business. */
  readonly settings: string;
  /** Whether these are the last that it was configured with. */
  readonly isCurrent: boolean;
  readonly storedAtMs: number;
  /** Since when the configuration has the pool no more; null while it has. */
  readonly leftAtMs: number | null;
}

export function toPoolSettings(row: PoolSettingsTable): PoolSettings {
  return {
    pool: parsePoolName(row.pool),
    settingsHash: row.settings_hash,
    settings: row.settings,
    isCurrent: row.is_current === 1,
    storedAtMs: row.stored_ms,
    leftAtMs: row.left_ms,
  };
}
