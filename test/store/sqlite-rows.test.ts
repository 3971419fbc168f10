import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { Planning, RowReader } from "../../src/store/sqlite-rows.ts";
import { useFolder } from "./open-store.ts";

const folder = useFolder();

/** As on a Node before 24.10. */
const WITHOUT_AUTHORIZERS = {} as DatabaseSync;

describe.each([
  ["a database that tells when it plans", (database: DatabaseSync) => new Planning(database)],
  ["one that does not", () => new Planning(WITHOUT_AUTHORIZERS)],
] as const)("the rows of %s", (_name, planningOf) => {
  it("have the columns' names, and values of every kind", () => {
    using database = new DatabaseSync(":memory:");
    const statement = database.prepare(
      "select ? as a, 2 as b, null as c, 1.5 as d, x'00ff' as e union all select 9, 8, 7, 6, 5",
    );
    const reader = new RowReader(statement, planningOf(database));
    expect(reader.all(["x"])).toEqual([
      { a: "x", b: 2, c: null, d: 1.5, e: Uint8Array.of(0, 255) },
      { a: 9, b: 8, c: 7, d: 6, e: 5 },
    ]);
    expect(reader.hasRows).toBe(true);
  });

  it("keep their names while another process, of a newer version, takes a column away and adds one", () => {
    const path = join(folder(), "rows.db");
    using database = new DatabaseSync(path);
    database.exec("create table t (a, b); insert into t values (1, 2)");
    const reader = new RowReader(database.prepare("select * from t"), planningOf(database));
    expect(reader.all([])).toEqual([{ a: 1, b: 2 }]);
    using other = new DatabaseSync(path);
    other.exec("alter table t drop column a; alter table t add column c");
    expect(reader.all([])).toEqual([{ b: 2, c: null }]);
    expect(reader.all([])).toEqual([{ b: 2, c: null }]);
  });

  it("keep them also where the first to meet the change failed", () => {
    const path = join(folder(), "rows.db");
    using database = new DatabaseSync(path);
    database.exec("create table t (a, b, c); insert into t values (1, 2, 3)");
    const reader = new RowReader(database.prepare("select * from t"), planningOf(database));
    using other = new DatabaseSync(path);
    other.exec("alter table t drop column a; alter table t add column d; update t set c = 9007199254740993");
    expect(() => reader.all([])).toThrow(RangeError);
    other.exec("update t set c = 4");
    expect(reader.all([])).toEqual([{ b: 2, c: 4, d: null }]);
  });

  it("are none of a statement that only writes", () => {
    using database = new DatabaseSync(":memory:");
    const reader = new RowReader(database.prepare("create table t (a)"), planningOf(database));
    expect([reader.hasRows, reader.all([])]).toEqual([false, []]);
  });
});
