/**
 * Who runs a pool's controllers: one row per pool with its holder, an epoch that grows with every change of holder, and an
 * expiry by the database's clock. Two processes on one store are safe because every controller write goes through
 * `inLease`, and every permit carries the epoch.
 */
import { sql } from "kysely";
import { HoldfastError } from "../domain/errors.ts";
import { type LeaseEpoch, type PoolName, parseLeaseEpoch } from "../domain/ids.ts";
import { DATABASE_NOW_MS } from "./database-clock.ts";
import type { Queryable } from "./schema.ts";
import { rowOf } from "./statement.ts";
import type { Store } from "./store.ts";
import { inTransaction } from "./transaction.ts";

export interface Lease {
  readonly pool: PoolName;
  readonly holder: string;
  readonly epoch: LeaseEpoch;
}

/**
 * Takes the pool, or renews it for the holder that has it, with the same epoch. The epoch grows where it is taken over.
 * @param holder unique to one start of a process: after a restart the old epoch must not be worth anything.
 * @returns null while somebody else holds an unexpired one.
 */
export async function acquireLease(
  db: Queryable,
  pool: PoolName,
  holder: string,
  lifeMs: number,
): Promise<Lease | null> {
  const row = await db
    .insertInto("leases")
    .values({ pool, holder, epoch: 1, expires_ms: expiry(lifeMs) })
    .onConflict((conflict) =>
      conflict
        .column("pool")
        .doUpdateSet({
          holder,
          epoch: sql<number>`case when leases.holder = ${holder} then leases.epoch else leases.epoch + 1 end`,
          expires_ms: expiry(lifeMs),
        })
        .where((where) =>
          where.or([where("leases.holder", "=", holder), where("leases.expires_ms", "<=", DATABASE_NOW_MS)]),
        ),
    )
    .returning("epoch")
    .executeTakeFirst();
  return row === undefined ? null : { pool, holder, epoch: parseLeaseEpoch(row.epoch) };
}

/** Who holds a pool, expired or not; null where nobody ever did. */
export async function readLease(db: Queryable, pool: PoolName): Promise<Lease | null> {
  const row = await db.selectFrom("leases").select(["holder", "epoch"]).where("pool", "=", pool).executeTakeFirst();
  return row === undefined ? null : { pool, holder: row.holder, epoch: parseLeaseEpoch(row.epoch) };
}

/** Whether somebody, we or another, holds an unexpired one. */
export async function isLeased(db: Queryable, pool: PoolName): Promise<boolean> {
  const row = await db
    .selectFrom("leases")
    .select("epoch")
    .where("pool", "=", pool)
    .where("expires_ms", ">", DATABASE_NOW_MS)
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends a lease before its expiry: its holder stops, or is known to be dead. Idempotent; the epoch stays where it is. */
export async function releaseLease(db: Queryable, lease: Lease): Promise<void> {
  await db
    .updateTable("leases")
    .set({ expires_ms: 0 })
    .where("pool", "=", lease.pool)
    .where("holder", "=", lease.holder)
    .where("epoch", "=", lease.epoch)
    .execute();
}

/** @returns false where it is no longer ours or has expired; nothing is changed then. */
export async function renewLease(db: Queryable, lease: Lease, lifeMs: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("leases")
    .set({ expires_ms: expiry(lifeMs) })
    .where("pool", "=", lease.pool)
    .where("holder", "=", lease.holder)
    .where("epoch", "=", lease.epoch)
    .where("expires_ms", ">", DATABASE_NOW_MS)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

const remaining = rowOf((db, { pool, holder, epoch }: Pick<Lease, "pool" | "holder" | "epoch">) =>
  db
    .selectFrom("leases")
    .select(sql<number>`expires_ms - ${DATABASE_NOW_MS}`.as("remaining_ms"))
    .where("pool", "=", pool)
    .where("holder", "=", holder)
    .where("epoch", "=", epoch),
);

/** Milliseconds until it expires by the database's clock; 0 if it is no longer ours. */
export async function leaseRemainingMs(db: Queryable, lease: Lease): Promise<number> {
  const { pool, holder, epoch } = lease;
  const row = await remaining(db, { pool, holder, epoch });
  return Math.max(0, row?.remaining_ms ?? 0);
}

/**
 * Runs `write` in one transaction that holds only while the lease is ours: it is verified inside, after the lock that a
 * new holder would need, so nobody takes the pool over before the commit. `write` awaits nothing but `tx`.
 * @throws {HoldfastError} `lease-lost`, with nothing written | `store-unavailable`
 */
export async function inLease<T>(store: Store, lease: Lease, write: (tx: Queryable) => Promise<T>): Promise<T> {
  return inTransaction(store, async (tx) => {
    if ((await leaseRemainingMs(tx, lease)) <= 0)
      throw new HoldfastError("lease-lost", `writing for pool ${lease.pool} under epoch ${lease.epoch}`);
    return write(tx);
  });
}

function expiry(lifeMs: number) {
  return sql<number>`${DATABASE_NOW_MS} + ${Math.ceil(lifeMs)}`;
}
