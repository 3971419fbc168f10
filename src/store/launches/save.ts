import type { Queryable } from "../schema.ts";
import { type LaunchRow, toLaunchColumns } from "./row.ts";

/** @throws {InvariantError} where the id is there already. */
export async function insertLaunch(db: Queryable, launch: LaunchRow): Promise<void> {
  await db.insertInto("launches").values(toLaunchColumns(launch)).execute();
}

/**
 * Writes all of a launch by compare-and-set. The stored version is `expectedVersion + 1`, whatever `launch.version` says.
 * @returns false, with nothing written, where another version is stored.
 */
export async function saveLaunch(db: Queryable, launch: LaunchRow, expectedVersion: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("launches")
    .set(toLaunchColumns({ ...launch, version: expectedVersion + 1 }))
    .where("id", "=", launch.id)
    .where("version", "=", expectedVersion)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
