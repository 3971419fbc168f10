/** What is final and older than anybody asks about leaves the store, a bounded batch at a time. */
import { DAY_MS, MINUTE_MS } from "../domain/units.ts";
import { forgetPoolSettings } from "../store/pools/forget.ts";
import { deleteExpired } from "../store/retention.ts";
import { inTransaction } from "../store/transaction.ts";
import type { Surroundings } from "./context.ts";

export const RETENTION_PERIOD_MS = 10 * MINUTE_MS;
const RETENTION_MS = 14 * DAY_MS;

export async function forgetExpired(context: Surroundings): Promise<void> {
  const options = { beforeMs: context.clock.nowMs() - RETENTION_MS };
  await deleteExpired(context.store.db, options);
  await inTransaction(context.store, (tx) => forgetPoolSettings(tx, options));
}
