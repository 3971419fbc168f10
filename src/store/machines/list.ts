import type { PoolName } from "../../domain/ids.ts";
import type { Machine, MachineStateKind } from "../../domain/machine.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { PRESENT_STATES, toMachine } from "./row.ts";

export interface MachineListOptions {
  readonly includeGone: boolean;
  readonly limitCount: number;
}

/** Newest first. */
export async function listMachines(db: Queryable, options: MachineListOptions): Promise<readonly Machine[]> {
  const rows = await newestFirst(db, options).execute();
  return rows.map(toMachine);
}

const endedOfPool = rowsOf((db, { pool, limitCount }: OfPool) =>
  db
    .selectFrom("machines")
    .selectAll()
    .where("pool", "=", pool)
    .where("state", "=", "gone")
    .orderBy("state_since_ms", "desc")
    .orderBy("id", "desc")
    .limit(limitCount),
);

/** Those that are gone, the last one first. */
export async function listEndedMachines(
  db: Queryable,
  pools: readonly PoolName[],
  limitCount: number,
): Promise<readonly Machine[]> {
  const machines: Machine[] = [];
  // The end of each pool's machines is a range of the index.
  for (const pool of pools) machines.push(...(await endedOfPool(db, { pool, limitCount })).map(toMachine));
  return machines.sort((a, b) => b.state.sinceMs - a.state.sinceMs).slice(0, limitCount);
}

interface OfPool {
  readonly pool: PoolName;
  readonly limitCount: number;
}

const allOfPool = rowsOf((db, { pool, limitCount }: OfPool) =>
  newestFirst(db, { includeGone: true, limitCount }).where("pool", "=", pool),
);
const presentOfPool = rowsOf((db, { pool, limitCount }: OfPool) =>
  newestFirst(db, { includeGone: false, limitCount }).where("pool", "=", pool),
);

/** Newest first. */
export async function listMachinesOfPool(
  db: Queryable,
  pool: PoolName,
  options: MachineListOptions,
): Promise<readonly Machine[]> {
  const { includeGone, limitCount } = options;
  const rows = await (includeGone ? allOfPool : presentOfPool)(db, { pool, limitCount });
  return rows.map(toMachine);
}

function newestFirst(db: Queryable, options: MachineListOptions) {
  return db
    .selectFrom("machines")
    .selectAll()
    .$if(!options.includeGone, (query) => query.where("state", "in", PRESENT_STATES))
    .orderBy("created_ms", "desc")
    .orderBy("id", "desc")
    .limit(options.limitCount);
}

/** All that may exist, of every pool. */
export async function listPresentMachines(db: Queryable): Promise<readonly Machine[]> {
  const rows = await db.selectFrom("machines").selectAll().where("state", "in", PRESENT_STATES).execute();
  return rows.map(toMachine);
}

const inStates = rowsOf(
  (db, { pool, kinds }: { readonly pool: PoolName; readonly kinds: readonly MachineStateKind[] }) =>
    db
      .selectFrom("machines")
      .selectAll()
      .where("pool", "=", pool)
      .where("state", "in", kinds)
      .orderBy("state_since_ms")
      .orderBy("id"),
);

/** All of them, those first that have been in their state longest. `gone` ones are as many as retention keeps. */
export async function listMachinesInState(
  db: Queryable,
  pool: PoolName,
  ...kinds: readonly [MachineStateKind, ...MachineStateKind[]]
): Promise<readonly Machine[]> {
  const rows = await inStates(db, { pool, kinds });
  return rows.map(toMachine);
}
