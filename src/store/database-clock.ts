import { sql } from "kysely";

/** The database's clock in epoch milliseconds: the same for all replicas, whatever their own clocks say. */
export const DATABASE_NOW_MS = sql<number>`cast(unixepoch('subsec') * 1000 as integer)`;
