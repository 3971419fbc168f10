import { type ConnectionName, type DeliveryId, parseDeliveryId } from "../../domain/ids.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { rowOf } from "../statement.ts";
import { type Delivery, type DeliveryState, toDelivery } from "./row.ts";

export async function loadDelivery(
  db: Queryable,
  connection: ConnectionName,
  id: DeliveryId,
): Promise<Delivery | null> {
  const row = await db
    .selectFrom("deliveries")
    .selectAll()
    .where("connection", "=", connection)
    .where("id", "=", id)
    .executeTakeFirst();
  return row === undefined ? null : toDelivery(row);
}

/** Which of these events are here, in whatever state. */
export async function listKnownDeliveries(
  db: Queryable,
  connection: ConnectionName,
  ids: readonly DeliveryId[],
): Promise<ReadonlySet<DeliveryId>> {
  const rows = await readInChunks(ids, (chunk) =>
    db.selectFrom("deliveries").select("id").where("connection", "=", connection).where("id", "in", chunk).execute(),
  );
  return new Set(rows.map(({ id }) => parseDeliveryId(id)));
}

/** Oldest first. */
export async function listPendingDeliveries(db: Queryable, limitCount: number): Promise<readonly Delivery[]> {
  const rows = await db
    .selectFrom("deliveries")
    .selectAll()
    .where("state", "=", "pending")
    .orderBy("received_ms")
    .orderBy("connection")
    .orderBy("id")
    .limit(limitCount)
    .execute();
  return rows.map(toDelivery);
}

/** Newest first, of one state or of all. */
export async function listDeliveries(
  db: Queryable,
  options: { readonly state?: DeliveryState; readonly limitCount: number },
): Promise<readonly Delivery[]> {
  const { state, limitCount } = options;
  const rows = await db
    .selectFrom("deliveries")
    .selectAll()
    .$if(state !== undefined, (query) => query.where("state", "=", state ?? ""))
    .orderBy("received_ms", "desc")
    .orderBy("connection", "desc")
    .orderBy("id", "desc")
    .limit(limitCount)
    .execute();
  return rows.map(toDelivery);
}

/** States without a delivery are left out. */
export async function countDeliveriesByState(db: Queryable): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom("deliveries")
    .select(["state", (select) => select.fn.countAll<number>().as("count")])
    .groupBy("state")
    .execute();
  return Object.fromEntries(rows.map((row) => [row.state, row.count]));
}

/** Those that wait for a person: read from the index of states alone. */
export async function countQuarantined(db: Queryable): Promise<number> {
  const row = await db
    .selectFrom("deliveries")
    .select((expression) => expression.fn.countAll<number>().as("delivery_count"))
    .where("state", "=", "quarantined")
    .executeTakeFirstOrThrow();
  return row.delivery_count;
}

const lastOf = rowOf((db, { connection }: { readonly connection: ConnectionName }) =>
  db
    .selectFrom("deliveries")
    .select("received_ms")
    .where("connection", "=", connection)
    .orderBy("received_ms", "desc")
    .limit(1),
);

/** When each connection last heard from GitHub; one of which no delivery is stored is left out. */
export async function readLastDelivered(
  db: Queryable,
  connections: readonly ConnectionName[],
): Promise<ReadonlyMap<ConnectionName, number>> {
  const lastMs = new Map<ConnectionName, number>();
  for (const connection of connections) {
    const row = await lastOf(db, { connection });
    if (row !== undefined) lastMs.set(connection, row.received_ms);
  }
  return lastMs;
}
