import { type PoolName, parsePoolName } from "../../domain/ids.ts";
import type { MachineStateKind } from "../../domain/machine.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { PRESENT_STATES } from "./row.ts";

export interface MachineCount {
  readonly pool: PoolName;
  readonly state: MachineStateKind;
  readonly count: number;
}

/** One entry for each pool and state that has a machine, `gone` ones as far as retention keeps them. */
export async function countMachinesByPoolAndState(db: Queryable): Promise<readonly MachineCount[]> {
  const rows = await db
    .selectFrom("machines")
    .select(["pool", "state", (select) => select.fn.countAll<number>().as("count")])
    .groupBy(["pool", "state"])
    .orderBy("pool")
    .orderBy("state")
    .execute();
  return rows.map(({ pool, state, count }) => ({ pool: parsePoolName(pool), state: state as MachineStateKind, count }));
}

const presentByPool = rowsOf((db) =>
  db
    .selectFrom("machines")
    .select(["pool", (select) => select.fn.countAll<number>().as("count")])
    .where("state", "in", PRESENT_STATES)
    .groupBy("pool"),
);

/** Machines that may exist, of each pool that has any: what `machines.max` is compared with. */
export async function countPresentByPool(db: Queryable): Promise<Map<PoolName, number>> {
  const rows = await presentByPool(db, {});
  return new Map(rows.map((row) => [parsePoolName(row.pool), row.count]));
}

/** When the first of the pool's machines came as which an agent has ever checked in, gone ones included; null: none has. */
export async function firstSpokenForMs(db: Queryable, pool: PoolName): Promise<number | null> {
  const row = await db
    .selectFrom("machines")
    .select((select) => select.fn.min<number | null>("created_ms").as("firstMs"))
    .where("pool", "=", pool)
    .where("incarnation", "is not", null)
    .executeTakeFirst();
  return row?.firstMs ?? null;
}
