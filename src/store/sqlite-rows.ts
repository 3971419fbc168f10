import { constants, type DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

type Value = Uint8Array | bigint | number | string | null;
export type Row = Readonly<Record<string, Value>>;

/**
 * How often a database has planned a statement: it asks its authorizer whenever it does. Not a number before Node 24.10, which
 * has no authorizers, and so never the same as before: any statement may have been planned at any time.
 */
export class Planning {
  #count = Number.NaN;

  constructor(database: DatabaseSync) {
    if (!("setAuthorizer" in database)) return;
    this.#count = 0;
    database.setAuthorizer(() => {
      this.#count += 1;
      return constants.SQLITE_OK;
    });
  }

  get count(): number {
    return this.#count;
  }
}

/**
 * The rows of a statement. `node:sqlite` would name each column of each row anew and give objects that are slow to read, at
 * twice the time where rows are wide: so it gives the values alone, and the names are known from before.
 */
export class RowReader {
  readonly #statement: StatementSync;
  readonly #planning: Planning;
  #columns: readonly string[];

  constructor(statement: StatementSync, planning: Planning) {
    this.#statement = statement;
    this.#planning = planning;
    this.#columns = columnsOf(statement);
    statement.setReturnArrays(true);
  }

  get hasRows(): boolean {
    return this.#columns.length > 0;
  }

  all(parameters: readonly unknown[]): Row[] {
    return this.#read(parameters).map((values) => rowOf(this.#columns, values));
  }

  #read(parameters: readonly unknown[]): readonly (readonly Value[])[] {
    const plansBefore = this.#planning.count;
    try {
      return this.#statement.all(...(parameters as SQLInputValue[])) as unknown as readonly (readonly Value[])[];
    } finally {
      // Planned anew because the schema is another one: a process of another version may have migrated it. Also where it failed:
      // the next call plans nothing.
      if (this.#planning.count !== plansBefore) this.#columns = columnsOf(this.#statement);
    }
  }
}

function columnsOf(statement: StatementSync): readonly string[] {
  return statement.columns().map(({ name }) => name);
}

function rowOf(columns: readonly string[], values: readonly Value[]): Row {
  const row: Record<string, Value> = {};
  for (let place = 0; place < columns.length; place += 1) row[columns[place] as string] = values[place] as Value;
  return row;
}
