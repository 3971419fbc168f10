/**
 * Ends this process where only a new start can go on: its supervisor starts it again, and the start settles what this one
 * does not know.
 */
import { HoldfastError } from "../domain/errors.ts";
import type { PoolName } from "../domain/ids.ts";
import { MINUTE_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { listPoolSettings } from "../store/pools/list.ts";
import { listSettingsInUse } from "../store/pools/remains.ts";
import type { Queryable } from "../store/schema.ts";
import { readStoredPool } from "./config/stored-pools.ts";

/** No process ends sooner after its start: two that make each other start again do so once a minute at most. */
const UPTIME_MIN_MS = MINUTE_MS;

export class Restart {
  readonly #asked = Promise.withResolvers<HoldfastError>();
  readonly #clock: Clock;
  readonly #startedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  /** Resolves with why the process has to end. */
  get asked(): Promise<HoldfastError> {
    return this.#asked.promise;
  }

  /** Does nothing where a start would refuse: a process that runs holds what it knows, and one that does not holds nothing. */
  async ask(pool: PoolName, db: Queryable, telemetry: Telemetry): Promise<void> {
    if (this.#clock.monotonicMs() - this.#startedAtMs < UPTIME_MIN_MS) return;
    const refusal = await findRefusal(db);
    if (refusal !== null) telemetry.error("a start would refuse, so this process goes on", refusal, { pool });
    else this.#asked.resolve(new HoldfastError("settings-unknown", `caring for the machines of pool "${pool}"`));
  }
}

/** @returns what a start would throw for settings that are in use; null: it can read them all. */
async function findRefusal(db: Queryable): Promise<HoldfastError | null> {
  const stored = await listPoolSettings(db);
  for (const { pool, settingsHash } of await listSettingsInUse(db)) {
    const row = stored.find((one) => one.pool === pool && one.settingsHash === settingsHash);
    if (row === undefined) return new HoldfastError("pool-unreadable", `looking for the settings of pool "${pool}"`);
    try {
      readStoredPool(row);
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }
  return null;
}
