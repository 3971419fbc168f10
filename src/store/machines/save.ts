import { invariant } from "../../domain/invariant.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Queryable } from "../schema.ts";
import { countOf } from "../statement.ts";
import { toMachineColumns } from "./row.ts";

/** @throws {InvariantError} where the id is there already. */
export async function insertMachine(db: Queryable, machine: Machine): Promise<void> {
  await db
    .insertInto("machines")
    .values({ ...toMachineColumns(machine), is_report_pending: 0 })
    .execute();
}

const update = countOf(
  (db, { expectedVersion, ...columns }: ReturnType<typeof toMachineColumns> & { readonly expectedVersion: number }) =>
    db.updateTable("machines").set(columns).where("id", "=", columns.id).where("version", "=", expectedVersion),
);

/**
 * Writes all of a machine by compare-and-set; `machine.version` is `expectedVersion + 1` already, as the domain's move
 * functions leave it.
 * @returns false, with nothing written, where another version is stored.
 */
export async function saveMachine(db: Queryable, machine: Machine, expectedVersion: number): Promise<boolean> {
  invariant(machine.version === expectedVersion + 1, `the version of machine ${machine.id} moves by one`);
  return (await update(db, { ...toMachineColumns(machine), expectedVersion })) > 0;
}
