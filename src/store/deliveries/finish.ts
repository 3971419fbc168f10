import type { ConnectionName, DeliveryId } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";

/** Closes a delivery that was handled, a quarantined one too: that is how it is replayed. Idempotent. */
export async function finishDelivery(
  db: Queryable,
  connection: ConnectionName,
  id: DeliveryId,
  state: "applied" | "ignored",
  nowMs: number,
): Promise<void> {
  await db
    .updateTable("deliveries")
    .set({ state, error: null, finished_ms: nowMs })
    .where("connection", "=", connection)
    .where("id", "=", id)
    .where("state", "in", ["pending", "quarantined"])
    .execute();
}

/** Puts a pending delivery that cannot be handled aside, with the reason. Idempotent; a handled one stays as it is. */
export async function quarantineDelivery(
  db: Queryable,
  connection: ConnectionName,
  id: DeliveryId,
  error: string,
  nowMs: number,
): Promise<void> {
  await db
    .updateTable("deliveries")
    .set({ state: "quarantined", error, finished_ms: nowMs })
    .where("connection", "=", connection)
    .where("id", "=", id)
    .where("state", "=", "pending")
    .execute();
}
