import { type Kysely, sql } from "kysely";
import { HoldfastError } from "../../domain/errors.ts";
import type { Schema } from "../schema.ts";
import { tables } from "./0001-tables.ts";
import { safety } from "./0002-safety.ts";
import { hearings } from "./0003-hearings.ts";
import { launchOrders } from "./0004-launch-orders.ts";
import { reruns } from "./0005-reruns.ts";
import { jobsRun } from "./0006-jobs-run.ts";
import { safetyFigures } from "./0007-safety-figures.ts";
import { wishedReruns } from "./0008-wished-reruns.ts";
import { answeredLaunches } from "./0009-answered-launches.ts";
import { rowlessAgents } from "./0010-rowless-agents.ts";
import { foundBySettings } from "./0011-found-by-settings.ts";
import type { ColumnWords, Migration } from "./migration.ts";

/** Every step, in its order. */
const MIGRATIONS: readonly Migration[] = [
  tables,
  safety,
  hearings,
  launchOrders,
  reruns,
  jobsRun,
  safetyFigures,
  wishedReruns,
  answeredLaunches,
  rowlessAgents,
  foundBySettings,
];

/** The schema that this version writes. */
export const SCHEMA_NUMBER = Math.max(...MIGRATIONS.map(({ number }) => number));

/**
 * Brings the schema up to the newest step; does nothing where it is there already. To be called inside a transaction, so
 * that two processes that open the same store do it one after the other, and a failed step leaves nothing.
 * @throws {HoldfastError} `store-newer` where a step ran that this version does not know.
 */
export async function migrate(
  tx: Kysely<Schema>,
  words: ColumnWords,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await sql`create table if not exists schema_migrations (
    number ${sql.raw(words.integer)} primary key,
    name text not null
  ) ${sql.raw(words.tableEnd)}`.execute(tx);
  const rows = await tx.selectFrom("schema_migrations").select("number").execute();
  const done = new Set(rows.map((row) => row.number));
  const known = new Set(migrations.map((migration) => migration.number));
  if ([...done].some((number) => !known.has(number)))
    throw new HoldfastError("store-newer", `opening a store of schema ${Math.max(...done)}`);
  for (const { number, name, statements } of migrations) {
    if (done.has(number)) continue;
    for (const statement of statements(words)) await sql.raw(statement).execute(tx);
    await tx.insertInto("schema_migrations").values({ number, name }).execute();
  }
}
