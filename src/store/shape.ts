/** What a store is like without what is in it: for whoever has to judge it from afar. */
import { sql } from "kysely";
import type { Queryable } from "./schema.ts";

export interface StoreShape {
  readonly generation: number;
  /** The steps of the schema that ran. */
  readonly migrations: readonly { readonly number: number; readonly name: string }[];
  readonly rowCounts: Readonly<Record<string, number>>;
}

/** Counts every row of every table: takes its time in a large store. */
export async function readShape(db: Queryable): Promise<StoreShape> {
  const rowCounts: Record<string, number> = {};
  const tables = (await db.introspection.getTables()).map(({ name }) => name).sort();
  for (const name of tables) {
    const { rows } = await sql<{ row_count: number }>`select count(*) as row_count from ${sql.table(name)}`.execute(db);
    rowCounts[name] = rows[0]?.row_count ?? 0;
  }
  const { generation } = await db.selectFrom("store_facts").select("generation").executeTakeFirstOrThrow();
  const migrations = await db.selectFrom("schema_migrations").selectAll().orderBy("number").execute();
  return { generation, migrations, rowCounts };
}
