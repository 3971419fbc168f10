import type { Queryable } from "../schema.ts";
import { type NewDelivery, toNewDeliveryRow } from "./row.ts";

/** Writes a delivery that could not even be taken in as quarantined. Idempotent: an id that is there stays as it is. */
export async function recordQuarantined(db: Queryable, delivery: NewDelivery, error: string): Promise<void> {
  await db
    .insertInto("deliveries")
    .values({ ...toNewDeliveryRow(delivery), state: "quarantined", error, finished_ms: delivery.receivedAtMs })
    .onConflict((conflict) => conflict.columns(["connection", "id"]).doNothing())
    .execute();
}

/** Writes a delivery that was fetched, not received, to be handled like any other. Idempotent. */
export async function recordPending(db: Queryable, delivery: NewDelivery): Promise<void> {
  await db
    .insertInto("deliveries")
    .values(toNewDeliveryRow(delivery))
    .onConflict((conflict) => conflict.columns(["connection", "id"]).doNothing())
    .execute();
}
