/**
 * One database of the world, used by one process after another and by two at once. It outlives them: one that dies in a
 * transaction leaves nothing of it. Each query is a moment at which its process may die, or wait.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type SqliteDatabase,
} from "kysely";
import { openSqlite } from "../../store/sqlite.ts";
import { PlannedOnceDialect } from "../../store/sqlite-dialect.ts";
import { openStoreOn, type Store } from "../../store/store.ts";
import { NEVER, type WorldProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** All rows of all tables, at one moment. */
export type Backup = ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;

/** What hangs on a machine, before the machine itself; the rest goes with it. */
const MACHINE_TABLES = [
  ["tickets", "machine_id"],
  ["machine_logs", "machine_id"],
  ["machines", "id"],
] as const;

export interface DatabaseTroubles {
  /** How long this query takes; 0 for one that is over at once. */
  delayMs(): number;
}

export class WorldDatabase {
  readonly #scheduler: Scheduler;
  readonly #troubles: DatabaseTroubles;
  #raw: SqliteDatabase;
  #writer: WorldProcess | null = null;
  /** Those who wait for the writer's transaction to be over. */
  #waiting: (() => void)[] = [];

  constructor(scheduler: Scheduler, troubles: DatabaseTroubles) {
    this.#scheduler = scheduler;
    this.#troubles = troubles;
    this.#raw = openSqlite(":memory:", () => scheduler.nowMs);
  }

  /** @throws {HoldfastError} `store-unavailable` */
  openStore(process: WorldProcess): Promise<Store> {
    const view: SqliteDatabase = { prepare: (sql) => this.#raw.prepare(sql), close: () => {} };
    const inner = new PlannedOnceDialect({ database: view });
    const dialect: Dialect = {
      createAdapter: () => inner.createAdapter(),
      createIntrospector: (db) => inner.createIntrospector(db),
      createQueryCompiler: () => inner.createQueryCompiler(),
      createDriver: () => this.#gate(inner.createDriver(), process),
    };
    return openStoreOn(dialect, "the world's database");
  }

  /** To be told of every process that died. */
  abandon(process: WorldProcess): void {
    if (this.#writer !== process) return;
    this.#raw.prepare("rollback").run([]);
    this.#release();
  }

  /** Reads past every process: what is committed, or being written. */
  read(sql: string, ...parameters: readonly unknown[]): readonly Readonly<Record<string, unknown>>[] {
    return this.#raw.prepare(sql).all(parameters) as readonly Readonly<Record<string, unknown>>[];
  }

  /** A transaction is open: what `read` shows may be rolled back. */
  get isBeingWritten(): boolean {
    return this.#writer !== null;
  }

  /** As a person would delete it: the row of the machine that has the ticket of this runner, with all that hangs on it. */
  forgetMachine(runnerName: string): void {
    for (const { machine_id: id } of this.read("select machine_id from tickets where runner_name = ?", runnerName))
      for (const [table, column] of MACHINE_TABLES)
        this.#raw.prepare(`delete from "${table}" where ${column} = ?`).run([id]);
  }

  backUp(): Backup {
    const tables = this.read("select name from sqlite_schema where type = 'table'").map(({ name }) => String(name));
    return new Map(tables.map((name) => [name, this.read(`select * from "${name}"`)]));
  }

  /** No process may live. The tables are as they were made. */
  restore(backup: Backup): void {
    this.#raw.prepare("pragma foreign_keys = off").run([]);
    for (const [table, rows] of backup) {
      this.#raw.prepare(`delete from "${table}"`).run([]);
      for (const row of rows) {
        const columns = Object.keys(row);
        const names = columns.map((column) => `"${column}"`).join(", ");
        const places = columns.map(() => "?").join(", ");
        this.#raw.prepare(`insert into "${table}" (${names}) values (${places})`).run(Object.values(row));
      }
    }
    this.#raw.prepare("pragma foreign_keys = on").run([]);
  }

  close(): void {
    this.#raw.close();
  }

  #gate(driver: Driver, process: WorldProcess): Driver {
    const gated = new Map<DatabaseConnection, DatabaseConnection>();
    const gateOf = (connection: DatabaseConnection): DatabaseConnection => {
      const known = gated.get(connection) ?? this.#gateConnection(connection, process);
      gated.set(connection, known);
      return known;
    };
    return {
      init: () => driver.init(),
      acquireConnection: async () => gateOf(await driver.acquireConnection()),
      beginTransaction: (connection) => run(connection, "begin"),
      commitTransaction: (connection) => run(connection, "commit"),
      rollbackTransaction: (connection) => run(connection, "rollback"),
      releaseConnection: async () => {},
      destroy: async () => {},
    };
  }

  #gateConnection(inner: DatabaseConnection, process: WorldProcess): DatabaseConnection {
    return {
      executeQuery: <Row>(query: CompiledQuery) => this.#execute<Row>(inner, query, process),
      streamQuery: () => {
        throw new Error("reading a stream of rows, which the stores do not do");
      },
    };
  }

  async #execute<Row>(
    inner: DatabaseConnection,
    query: CompiledQuery,
    process: WorldProcess,
  ): Promise<QueryResult<Row>> {
    const delayMs = this.#troubles.delayMs();
    if (delayMs > 0) await process.clock.sleep(delayMs);
    while (this.#writer !== null && this.#writer !== process && !process.isDead) await this.#writersEnd(process);
    if (process.isDead) return NEVER;
    const dies = process.countQuery();
    if (dies === "before") return this.#die(process);
    if (query.sql === "begin") this.#writer = process;
    const result = await inner.executeQuery<Row>(query);
    if (query.sql === "commit" || query.sql === "rollback") this.#release();
    return dies === "after" ? this.#die(process) : result;
  }

  #die(process: WorldProcess): Promise<never> {
    process.kill();
    return NEVER;
  }

  #writersEnd(process: WorldProcess): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => this.#scheduler.after(0, () => process.deliver(resolve)));
    });
  }

  #release(): void {
    this.#writer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const goOn of waiting) goOn();
  }
}

async function run(connection: DatabaseConnection, sql: "begin" | "commit" | "rollback"): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw(sql));
}
