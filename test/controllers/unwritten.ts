/** A store of a test that takes no writes. */
import type { CompiledQuery } from "kysely";
import { HoldfastError } from "../../src/domain/errors.ts";
import type { Yard } from "./yard.ts";

/** Rows are read, and nothing is written: a full disk. */
export async function withoutWrites({ context, store }: Yard, work: () => Promise<void>): Promise<void> {
  const refuse = () => {
    throw new HoldfastError("store-unavailable", "writing");
  };
  const execute = (query: CompiledQuery) => (/^select/i.test(query.sql) ? store.db.executeQuery(query) : refuse());
  const get = (_db: unknown, key: string | symbol) => {
    if (key === "executeQuery") return execute;
    if (key === "updateTable" || key === "transaction") return refuse;
    const value: unknown = Reflect.get(store.db, key);
    return typeof value === "function" ? value.bind(store.db) : value;
  };
  Object.assign(context, { store: { ...store, db: new Proxy(store.db, { get }) } });
  try {
    await work();
  } finally {
    Object.assign(context, { store });
  }
}
