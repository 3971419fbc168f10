/** Everything that a store holds, row for row, and how many rows were ever written through its connection. */
import { sql } from "kysely";
import type { Store } from "../../src/store/store.ts";

export interface Contents {
  readonly tables: Readonly<Record<string, readonly unknown[]>>;
  /** By SQLite's own count: also of a row that was written and put back. */
  readonly changeCount: number;
}

export async function readContents({ db }: Pick<Store, "db">): Promise<Contents> {
  const { rows: names } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name`.execute(db);
  const tables: Record<string, readonly unknown[]> = {};
  for (const { name } of names) {
    const { rows } = await sql`select * from ${sql.table(name)}`.execute(db);
    tables[name] = rows.map((row) => structuredClone(row));
  }
  const { rows } = await sql<{ changeCount: number }>`select total_changes() as changeCount`.execute(db);
  return { tables, changeCount: rows[0]?.changeCount ?? Number.NaN };
}
