/**
 * Queries that are made into text once. Kysely builds and compiles a query anew at each call, which costs several times what
 * SQLite needs to answer it; the verbs that every report and every pass use give it the text of the first call again, with
 * their own values in it.
 */
import type { Compilable, CompiledQuery, QueryResult } from "kysely";
import { invariant } from "../domain/invariant.ts";
import type { Queryable } from "./schema.ts";
import { refuseInside } from "./transaction.ts";

/** What a query is built with in a value's place: where it turns up among the parameters, the value goes. */
class Slot {
  readonly name: string;
  /** Of a list, the place in it; null for a single value. */
  readonly index: number | null;

  constructor(name: string, index: number | null) {
    this.name = name;
    this.index = index;
  }
}

/** The values of one call, by name. */
type Given = Readonly<Record<string, unknown>>;

/**
 * @param build the query, whose text depends on nothing but the names given and the lengths of the lists among them: it is
 *   called once for each of those, never looks at a value, and each value given is a parameter of the query as it is.
 * @returns runs it: inside a transaction through the transaction only, as any other query.
 */
function statement<Values extends object, Row>(
  build: (db: Queryable, given: Values) => Compilable<Row>,
): (db: Queryable, given: Values) => Promise<QueryResult<Row>> {
  /** By dialect: two of them differ in their words. Then by the lengths of the lists. */
  const made = new WeakMap<object, Map<string, CompiledQuery<Row>>>();
  return (db, values) => {
    const given = values as unknown as Given;
    // A query that is executed as text passes no plugin on its way there.
    if (!db.isTransaction) refuseInside(db);
    const { adapter } = db.getExecutor();
    const texts = made.get(adapter) ?? new Map<string, CompiledQuery<Row>>();
    const shape = shapeOf(given);
    const text = texts.get(shape) ?? make(db, values, build);
    if (!texts.has(shape)) made.set(adapter, texts.set(shape, text));
    return db.executeQuery({ ...text, parameters: text.parameters.map((parameter) => fill(parameter, given)) });
  };
}

/** The rows alone. */
export function rowsOf<Values extends object, Row>(
  build: (db: Queryable, given: Values) => Compilable<Row>,
): (db: Queryable, given: Values) => Promise<Row[]> {
  const run = statement(build);
  return async (db, given) => (await run(db, given)).rows;
}

/** The first row alone, for a query that has one at most or is about its first. */
export function rowOf<Values extends object, Row>(
  build: (db: Queryable, given: Values) => Compilable<Row>,
): (db: Queryable, given: Values) => Promise<Row | undefined> {
  const run = statement(build);
  return async (db, given) => (await run(db, given)).rows[0];
}

/** How many rows were written. */
export function countOf<Values extends object>(
  build: (db: Queryable, given: Values) => Compilable<unknown>,
): (db: Queryable, given: Values) => Promise<number> {
  const run = statement(build);
  return async (db, given) => Number((await run(db, given)).numAffectedRows ?? 0n);
}

function shapeOf(given: Given): string {
  let shape = "";
  for (const name in given) {
    const value = given[name];
    if (Array.isArray(value)) shape += `${name}:${value.length};`;
  }
  return shape;
}

function make<Values extends object, Row>(
  db: Queryable,
  given: Values,
  build: (db: Queryable, given: Values) => Compilable<Row>,
): CompiledQuery<Row> {
  const slots = Object.entries(given).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) ? value.map((_one, index) => new Slot(name, index)) : new Slot(name, null),
  ]);
  const text = build(db.withoutPlugins(), Object.fromEntries(slots) as Values).compile();
  const used = new Set(text.parameters.flatMap((parameter) => (parameter instanceof Slot ? parameter.name : [])));
  for (const name of Object.keys(given)) invariant(used.has(name), `${name} is a parameter of the statement`);
  return text;
}

function fill(parameter: unknown, given: Given): unknown {
  if (!(parameter instanceof Slot)) return parameter;
  const value = given[parameter.name];
  return parameter.index === null ? value : (value as readonly unknown[])[parameter.index];
}
