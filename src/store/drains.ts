/**
 * Drains: who drained a pool or a machine, and why. Of a pool the row is the intent itself; of a machine it is what
 * `retireWhenSpent` does not say.
 */
import type { MachineId, PoolName } from "../domain/ids.ts";
import { parsePoolName } from "../domain/ids.ts";
import type { OperatorMark } from "../domain/machine.ts";
import type { DrainsTable, Queryable } from "./schema.ts";
import { rowOf } from "./statement.ts";

export type DrainSubject =
  | { readonly kind: "pool"; readonly id: PoolName }
  | { readonly kind: "machine"; readonly id: MachineId };

/** What is drained, of one kind, by its id. */
export async function listDrains(
  db: Queryable,
  kind: DrainSubject["kind"],
): Promise<ReadonlyMap<string, OperatorMark>> {
  const rows = await db
    .selectFrom("drains")
    .selectAll()
    .where("subject_kind", "=", kind)
    .orderBy("subject_id")
    .execute();
  return new Map(rows.map((row) => [row.subject_id, toMark(row)]));
}

export async function listDrainedPools(db: Queryable): Promise<ReadonlySet<PoolName>> {
  return new Set([...(await listDrains(db, "pool")).keys()].map(parsePoolName));
}

const ofSubject = rowOf((db, { kind, id }: { readonly kind: DrainSubject["kind"]; readonly id: string }) =>
  db.selectFrom("drains").selectAll().where("subject_kind", "=", kind).where("subject_id", "=", id),
);

export async function findDrain(db: Queryable, { kind, id }: DrainSubject): Promise<OperatorMark | null> {
  const row = await ofSubject(db, { kind, id });
  return row === undefined ? null : toMark(row);
}

/** The first one counts. @returns false, with nothing written, where it is drained. */
export async function insertDrain(db: Queryable, { kind, id }: DrainSubject, mark: OperatorMark): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("drains")
    .values({
      subject_kind: kind,
      subject_id: id,
      operator: mark.operator,
      reason: mark.reason,
      since_ms: mark.atMs,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** @returns false where it was not drained. */
export async function deleteDrain(db: Queryable, { kind, id }: DrainSubject): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom("drains")
    .where("subject_kind", "=", kind)
    .where("subject_id", "=", id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

function toMark({ operator, reason, since_ms }: DrainsTable): OperatorMark {
  return { operator, reason, atMs: since_ms };
}
