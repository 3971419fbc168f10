/** Counts what is left of a pool that left the configuration, until nothing is; then none of its gauges is shown any more. */
import { SECOND_MS } from "../domain/units.ts";
import { countRemains } from "../store/pools/remains.ts";
import type { PoolContext } from "./context.ts";
import { gaugePool, isDrained } from "./pool-gauge.ts";

export const WATCH_DEPARTURE_PERIOD_MS = 5 * SECOND_MS;

export async function watchDeparture(context: PoolContext): Promise<void> {
  const { store, pool, memory, telemetry } = context;
  const remains = await countRemains(store.db, pool.name);
  memory.remains = remains;
  for (const [kind, count] of Object.entries(KINDS))
    gaugePool(context, "holdfast_departed_pool_remains", remains[count], { pool: pool.name, kind });
  if (isDrained(remains)) telemetry.forgetPool(pool.name);
}

const KINDS = {
  machines: "machineCount",
  tickets: "liveTicketCount",
  registrations: "registrationCount",
  launches: "openLaunchCount",
} as const;
