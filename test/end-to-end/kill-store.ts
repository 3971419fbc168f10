/** What the store says while no controller writes to it, or beside one that does. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

type Row = Readonly<Record<string, unknown>>;

export class StoreReader {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, "holdfast.db");
  }

  /** What was begun and is not finished, with its number: each is something that a kill just then has cut through. */
  readUnfinished(): ReadonlyMap<string, number> {
    const rows = [
      ...this.#read(
        "select 'machine ' || state || coalesce(' ' || stage, '') as what, count(*) as count from machines where state != 'gone' group by 1",
      ),
      ...this.#read(
        "select 'ticket ' || state as what, count(*) as count from tickets where state not in ('spent', 'barren', 'handed-back', 'void', 'lost') group by 1",
      ),
      ...this.#read(
        "select 'registration of a ' || state || ' ticket' as what, count(*) as count from tickets where registration in ('present', 'unknown') and state in ('spent', 'barren', 'handed-back', 'void', 'lost') group by 1",
      ),
      ...this.#read(
        "select 'launch ' || state as what, count(*) as count from launches where state = 'open' group by 1",
      ),
      ...this.#read(
        "select 'delivery ' || state as what, count(*) as count from deliveries where state = 'pending' group by 1",
      ),
    ];
    return countsOf(rows);
  }

  /** How everything ended that ever was. */
  readEnds(): ReadonlyMap<string, number> {
    return countsOf([
      ...this.#read(
        "select 'machine ' || origin || ', ' || state || ': ' || coalesce(reason, '') as what, count(*) as count from machines group by 1",
      ),
      ...this.#read(
        "select 'ticket ' || state || coalesce(': ' || state_reason, '') as what, count(*) as count from tickets group by 1",
      ),
      ...this.#read(
        "select 'launch ' || state || ' after ' || attempt_count || ' attempts' as what, count(*) as count from launches group by 1",
      ),
      ...this.#read("select 'delivery ' || state as what, count(*) as count from deliveries group by 1"),
    ]);
  }

  /** Machines of which a listing knew and the store did not: there are none, since a row is durable before its machine. */
  countAdopted(): number {
    return this.#read("select id from machines where origin != 'launched'").length;
  }

  readOpenMachines(): readonly string[] {
    return this.#read("select id from machines where state != 'gone' order by created_ms").map(({ id }) => String(id));
  }

  machineOfRunner(runnerName: string): string | null {
    const [row] = this.#read("select machine_id from tickets where runner_name = ?", runnerName);
    return row === undefined ? null : String(row.machine_id);
  }

  #read(sql: string, ...values: readonly string[]): readonly Row[] {
    if (!existsSync(this.#file)) return [];
    const db = new DatabaseSync(this.#file, { readOnly: true, timeout: 5_000 });
    try {
      return db.prepare(sql).all(...values);
    } finally {
      db.close();
    }
  }
}

function countsOf(rows: readonly Row[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ what, count }) => [String(what), Number(count)]));
}
