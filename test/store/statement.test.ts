import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/domain/invariant.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import type { Queryable } from "../../src/store/schema.ts";
import { countOf, rowOf, rowsOf } from "../../src/store/statement.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { openMemory, useStore } from "./open-store.ts";
import { sampleMachine } from "./samples.ts";

const store = useStore(openMemory);
const [one, two, three] = [sampleMachine(1), sampleMachine(2), sampleMachine(3)];

/** A statement that counts how often it is built. */
function counted() {
  const built = { count: 0 };
  const ofIds = (db: Queryable, { ids }: { readonly ids: readonly string[] }) => {
    built.count += 1;
    return db.selectFrom("machines").select("id").where("id", "in", ids).orderBy("id");
  };
  return { built, read: rowsOf(ofIds) };
}

const insertAll = async () => {
  for (const machine of [one, two, three]) await insertMachine(store().db, machine);
};

describe("a statement", () => {
  it("is built once for each length of its lists, and takes the values of its call each time", async () => {
    await insertAll();
    const { built, read } = counted();
    const ids = async (...wanted: readonly string[]) => (await read(store().db, { ids: wanted })).map(({ id }) => id);
    expect(await ids(one.id)).toEqual([one.id]);
    expect(await ids(two.id)).toEqual([two.id]);
    expect(await ids(one.id, three.id)).toEqual([one.id, three.id]);
    expect(await ids(two.id, three.id)).toEqual([two.id, three.id]);
    expect(built.count).toBe(2);
  });

  it("gives the first row alone, and says how many it wrote", async () => {
    await insertAll();
    const first = rowOf((db, { pool }: { readonly pool: string }) =>
      db.selectFrom("machines").select("id").where("pool", "=", pool).orderBy("id", "desc"),
    );
    expect(await first(store().db, { pool: one.pool })).toEqual({ id: three.id });
    expect(await first(store().db, { pool: "another" })).toBeUndefined();
    const heard = countOf((db, { pool, atMs }: { readonly pool: string; readonly atMs: number }) =>
      db.updateTable("machines").set({ state_since_ms: atMs }).where("pool", "=", pool),
    );
    expect(await heard(store().db, { pool: one.pool, atMs: 7 })).toBe(3);
    expect(await heard(store().db, { pool: "another", atMs: 8 })).toBe(0);
  });

  it("sees what its transaction wrote, and is refused outside of it from inside", async () => {
    const { read } = counted();
    await inTransaction(store(), async (tx) => {
      await insertMachine(tx, one);
      expect(await read(tx, { ids: [one.id] })).toHaveLength(1);
      await expect((async () => read(store().db, { ids: [one.id] }))()).rejects.toThrow(InvariantError);
    });
    expect(await read(store().db, { ids: [one.id] })).toHaveLength(1);
  });

  it("refuses a name that its query does not use, whose value would be that of the first call for ever", async () => {
    const fixed = rowsOf((db, { pool }: { readonly pool: string }) =>
      db
        .selectFrom("machines")
        .select("id")
        .where("id", "=", `${typeof pool}`),
    );
    await expect((async () => fixed(store().db, { pool: one.pool }))()).rejects.toThrow(/pool is a parameter/);
  });
});
