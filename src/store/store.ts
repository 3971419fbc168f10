import { type Dialect, Kysely, type KyselyPlugin, type Logger, sql } from "kysely";
import { HoldfastError } from "../domain/errors.ts";
import { migrate } from "./migrations/migrate.ts";
import type { Schema } from "./schema.ts";
import { openSqlite, SQLITE_WORDS, unavailable } from "./sqlite.ts";
import { PlannedOnceDialect } from "./sqlite-dialect.ts";
import { inTransaction, refusedInTransaction } from "./transaction.ts";
import type { StoreWatch } from "./watch.ts";

/**
 * One open store. Any number of processes may open the same file: who may write what is then decided by the leases of
 * the pools and by compare-and-set, never by who came first.
 */
export interface Store {
  readonly db: Kysely<Schema>;
  /** Grows by one with each opening, durable: a lower one than before is a store restored from a backup. */
  readonly generation: number;
  readonly watch?: StoreWatch;
  /** Waits for what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the store and brings its schema up to date.
 * @param address `sqlite:<path>`, relative to the working directory, or `sqlite::memory:`
 * @param watch none where nobody asks how long it takes.
 * @throws {HoldfastError} `store-unavailable` where it cannot be opened, read or written, or is not a store of ours;
 *   `store-newer` where a newer version has written it.
 */
export async function openStore(address: string, watch?: StoreWatch): Promise<Store> {
  const [, path] = /^sqlite:(.+)$/.exec(address) ?? [];
  if (path === undefined)
    throw new HoldfastError("store-unavailable", `opening the store ${address}: an address is "sqlite:" and a path`);
  return openStoreOn(new PlannedOnceDialect({ database: openSqlite(path) }), path, watch);
}

/**
 * The same over a database that somebody else opened.
 * @param name what it is called in errors.
 * @throws {HoldfastError} `store-unavailable` | `store-newer`
 */
export async function openStoreOn(dialect: Dialect, name: string, watch?: StoreWatch): Promise<Store> {
  const guard: KyselyPlugin = refusedInTransaction(() => db);
  const db = new Kysely<Schema>({ dialect, plugins: [guard], ...(watch === undefined ? {} : { log: logTo(watch) }) });
  const close = once(() => drainAndClose(db));
  try {
    const generation = await prepare(db);
    return watch === undefined ? { db, generation, close } : { db, generation, watch, close };
  } catch (cause) {
    await close();
    throw cause instanceof HoldfastError ? cause : unavailable(`opening the store ${name}`, cause);
  }
}

/** Kysely measures each statement by its own monotonic clock. */
function logTo({ telemetry }: StoreWatch): Logger {
  return ({ queryDurationMillis }) =>
    telemetry.measure("holdfast_store_seconds", queryDurationMillis, { operation: "query" });
}

/** Migrates and counts the opening. @returns the new generation. */
async function prepare(db: Kysely<Schema>): Promise<number> {
  return inTransaction({ db }, async (tx) => {
    await migrate(tx, SQLITE_WORDS);
    const row = await tx
      .updateTable("store_facts")
      .set({ generation: sql<number>`generation + 1` })
      .where("key", "=", 1)
      .returning("generation")
      .executeTakeFirstOrThrow();
    return row.generation;
  });
}

async function drainAndClose(db: Kysely<Schema>): Promise<void> {
  // The connection is given out in the order of asking, so having had it means that all before us are done.
  await db.connection().execute(async () => {});
  await db.destroy();
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= run();
    return running;
  };
}
