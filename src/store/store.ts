import { type Dialect, Kysely, type KyselyPlugin, SqliteDialect, sql } from "kysely";
import { HoldfastError } from "../domain/errors.ts";
import { migrate } from "./migrations/migrate.ts";
import type { Schema } from "./schema.ts";
import { openSqlite, SQLITE_WORDS, unavailable } from "./sqlite.ts";
import { inTransaction, refusedInTransaction } from "./transaction.ts";

/**
 * One open store. Any number of processes may open the same file: who may write what is then decided by the leases of
 * the pools and by compare-and-set, never by who came first.
 */
export interface Store {
  readonly db: Kysely<Schema>;
  /** Grows by one with each opening, durable: a lower one than before is a store restored from a backup. */
  readonly generation: number;
  /** Waits for what is under way, then closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the store and brings its schema up to date.
 * @param address `sqlite:<path>`, relative to the working directory, or `sqlite::memory:`
 * @throws {HoldfastError} `store-unavailable` where it cannot be opened, read or written, or is not a store of ours;
 *   `store-newer` where a newer version has written it.
 */
export async function openStore(address: string): Promise<Store> {
  const [, path] = /^sqlite:(.+)$/.exec(address) ?? [];
  if (path === undefined)
    throw new HoldfastError("store-unavailable", `opening the store ${address}: an address is "sqlite:" and a path`);
  return openStoreOn(new SqliteDialect({ database: openSqlite(path) }), path);
}

/**
 * The same over a database that somebody else opened.
 * @param name what it is called in errors.
 * @throws {HoldfastError} `store-unavailable` | `store-newer`
 */
export async function openStoreOn(dialect: Dialect, name: string): Promise<Store> {
  const guard: KyselyPlugin = refusedInTransaction(() => db);
  const db = new Kysely<Schema>({ dialect, plugins: [guard] });
  const close = once(() => drainAndClose(db));
  try {
    return { db, generation: await prepare(db), close };
  } catch (cause) {
    await close();
    throw cause instanceof HoldfastError ? cause : unavailable(`opening the store ${name}`, cause);
  }
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
