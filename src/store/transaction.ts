import { AsyncLocalStorage } from "node:async_hooks";
import type { Kysely, KyselyPlugin } from "kysely";
import { invariant } from "../domain/invariant.ts";
import type { Queryable, Schema } from "./schema.ts";
import type { StoreWatch } from "./watch.ts";

interface Transacting {
  readonly db: Kysely<Schema>;
  isOpen: boolean;
}

/** Which transaction the running code is in: there is one connection, so asking `store.db` from inside would never end. */
const current = new AsyncLocalStorage<Transacting>();

/**
 * Runs `write` in one transaction, for writes that no pool's lease covers: all of it takes effect, or nothing where it
 * throws. Transactions of one store run one after the other. `write` awaits nothing but `tx`.
 * @throws {HoldfastError} `store-unavailable`
 */
export async function inTransaction<T>(
  store: { readonly db: Kysely<Schema>; readonly watch?: StoreWatch },
  write: (tx: Queryable) => Promise<T>,
): Promise<T> {
  const { db, watch } = store;
  refuseInside(db);
  const askedAtMs = watch?.clock.monotonicMs() ?? 0;
  const transacting: Transacting = { db, isOpen: true };
  const execute = () => db.withoutPlugins().transaction().execute(write);
  return current.run(transacting, execute).finally(() => {
    transacting.isOpen = false;
    if (watch === undefined) return;
    const durationMs = watch.clock.monotonicMs() - askedAtMs;
    watch.telemetry.measure("holdfast_store_seconds", durationMs, { operation: "transaction" });
  });
}

/** Turns a query of `store.db` from inside a transaction, which would wait for itself for ever, into an error. */
export function refusedInTransaction(db: () => Kysely<Schema>): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      refuseInside(db());
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}

/** @throws {InvariantError} where the running code is in a transaction of this database. */
export function refuseInside(db: Kysely<Schema>): void {
  const transacting = current.getStore();
  const isInside = transacting?.isOpen === true && transacting.db === db;
  invariant(!isInside, "inside a transaction the store is used through the transaction only");
}
