/** Registrations with our prefix that the store knows no ticket of: since when each is offline in every reading. */
import { type ConnectionName, parseRunnerId, type RunnerId } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";

export interface UnknownRegistration {
  readonly runnerId: RunnerId;
  readonly runnerName: string;
  readonly offlineSinceMs: number;
  readonly lastReadMs: number;
}

/** @property scope `scopeKey` of the place. */
export interface RegistrationPlace {
  readonly connection: ConnectionName;
  readonly scope: string;
}

export async function listUnknownRegistrations(
  db: Queryable,
  { connection, scope }: RegistrationPlace,
): Promise<readonly UnknownRegistration[]> {
  const rows = await db
    .selectFrom("unknown_registrations")
    .selectAll()
    .where("connection", "=", connection)
    .where("scope", "=", scope)
    .orderBy("runner_id")
    .execute();
  return rows.map((row) => ({
    runnerId: parseRunnerId(row.runner_id),
    runnerName: row.runner_name,
    offlineSinceMs: row.offline_since_ms,
    lastReadMs: row.last_read_ms,
  }));
}

export async function saveUnknownRegistration(
  db: Queryable,
  { connection, scope }: RegistrationPlace,
  { runnerId, runnerName, offlineSinceMs, lastReadMs }: UnknownRegistration,
): Promise<void> {
  const times = { offline_since_ms: offlineSinceMs, last_read_ms: lastReadMs };
  await db
    .insertInto("unknown_registrations")
    .values({ connection, scope, runner_id: runnerId, runner_name: runnerName, ...times })
    .execute();
}

/** All of one place. */
export async function deleteUnknownRegistrations(
  db: Queryable,
  { connection, scope }: RegistrationPlace,
): Promise<void> {
  await db
    .deleteFrom("unknown_registrations")
    .where("connection", "=", connection)
    .where("scope", "=", scope)
    .execute();
}

/** Of all places. */
export async function countUnknownRegistrations(db: Queryable): Promise<number> {
  const row = await db
    .selectFrom("unknown_registrations")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return row.count;
}
