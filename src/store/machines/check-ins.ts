import type { CheckedIn } from "../../domain/check-in.ts";
import { type IncarnationId, type MachineId, parseIncarnationId } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";

/** The latest ones of a machine; whoever holds its secret must not fill the store. */
const KEPT_COUNT = 20;

const ofMachine = rowsOf((db, { machineId }: { readonly machineId: MachineId }) =>
  db.selectFrom("check_ins").selectAll().where("machine_id", "=", machineId).orderBy("number"),
);

/** In the order of their first check-ins. */
export async function listCheckIns(db: Queryable, machineId: MachineId): Promise<readonly CheckedIn[]> {
  const rows = await ofMachine(db, { machineId });
  return rows.map((row) => ({
    incarnation: parseIncarnationId(row.incarnation),
    bootId: row.boot_id,
    atMs: row.first_ms,
    returnedAtMs: row.returned_ms,
  }));
}

/** Of a machine that the provider says is stopped: whoever checks in next is alone. */
export async function forgetCheckIns(db: Queryable, machineId: MachineId): Promise<void> {
  await db.deleteFrom("check_ins").where("machine_id", "=", machineId).execute();
}

export interface NewCheckIn {
  readonly machineId: MachineId;
  readonly incarnation: IncarnationId;
  readonly bootId: string;
  readonly nowMs: number;
  /** It came back after a later one. */
  readonly isReturn: boolean;
}

/** Idempotent, but for the moment of a return. @throws {InvariantError} for an unknown machine. */
export async function saveCheckIn(db: Queryable, checkIn: NewCheckIn): Promise<void> {
  const { machineId, incarnation, bootId, nowMs, isReturn } = checkIn;
  const last = await db
    .selectFrom("check_ins")
    .select(({ fn }) => fn.max("number").as("number"))
    .where("machine_id", "=", machineId)
    .executeTakeFirst();
  const number = (last?.number ?? 0) + 1;
  const row = { machine_id: machineId, incarnation, number, boot_id: bootId, first_ms: nowMs, returned_ms: null };
  const returned = isReturn ? { returned_ms: nowMs } : null;
  await db
    .insertInto("check_ins")
    .values(row)
    .onConflict((conflict) => {
      const known = conflict.columns(["machine_id", "incarnation"]);
      return returned === null ? known.doNothing() : known.doUpdateSet(returned);
    })
    .execute();
  await db
    .deleteFrom("check_ins")
    .where("machine_id", "=", machineId)
    .where("number", "<=", number - KEPT_COUNT)
    .execute();
}
