import type { MachineId, ProviderId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { rowOf, rowsOf } from "../statement.ts";
import { PRESENT_STATES, toMachine } from "./row.ts";

const machineOf = rowOf((db, { id }: { readonly id: MachineId }) =>
  db.selectFrom("machines").selectAll().where("id", "=", id),
);

export async function loadMachine(db: Queryable, id: MachineId): Promise<Machine | null> {
  const row = await machineOf(db, { id });
  return row === undefined ? null : toMachine(row);
}

const machinesOf = rowsOf((db, { chunk }: { readonly chunk: readonly MachineId[] }) =>
  db.selectFrom("machines").selectAll().where("id", "in", chunk),
);

/** Those of them that have a row, in no order. */
export async function loadMachines(db: Queryable, ids: readonly MachineId[]): Promise<ReadonlyMap<MachineId, Machine>> {
  const rows = await readInChunks(ids, (chunk) => machinesOf(db, { chunk }));
  return new Map(rows.map(toMachine).map((machine) => [machine.id, machine]));
}

/** Providers may use an id again: one that is not gone comes before those that are, then the newest. */
export async function findMachineByProviderId(db: Queryable, providerId: ProviderId): Promise<Machine | null> {
  const machines = await findMachinesByProviderId(db, providerId);
  return machines.find(({ state }) => PRESENT_STATES.some((present) => present === state.kind)) ?? machines[0] ?? null;
}

/** All that ever had the id, of whatever provider. Newest first. */
export async function findMachinesByProviderId(db: Queryable, providerId: ProviderId): Promise<readonly Machine[]> {
  const rows = await db
    .selectFrom("machines")
    .selectAll()
    .where("provider_id", "=", providerId)
    .orderBy("created_ms", "desc")
    .orderBy("id", "desc")
    .execute();
  return rows.map(toMachine);
}
