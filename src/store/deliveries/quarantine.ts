/** What a person decides about deliveries that could not be handled. */
import type { ConnectionName, DeliveryId } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import { type Delivery, toDelivery } from "./row.ts";

/** Of every connection that has one of this id: GitHub's ids are unique, and two connections may be told of one event. */
export async function findDeliveries(db: Queryable, id: DeliveryId): Promise<readonly Delivery[]> {
  const rows = await db.selectFrom("deliveries").selectAll().where("id", "=", id).orderBy("connection").execute();
  return rows.map(toDelivery);
}

/**
 * `pending`: it is handled once more, as it came; `ignored`: nobody looks at it again.
 * @returns whether it was quarantined. A delivery in any other state stays as it is.
 */
export async function releaseDelivery(
  db: Queryable,
  delivery: { readonly connection: ConnectionName; readonly id: DeliveryId },
  to: "pending" | "ignored",
  nowMs: number,
): Promise<boolean> {
  const released = to === "pending" ? { error: null, finished_ms: null } : { finished_ms: nowMs };
  const rows = await db
    .updateTable("deliveries")
    .set({ state: to, ...released })
    .where("connection", "=", delivery.connection)
    .where("id", "=", delivery.id)
    .where("state", "=", "quarantined")
    .returning("id")
    .execute();
  return rows.length > 0;
}
