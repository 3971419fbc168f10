/**
 * `node:sqlite` in the shape that Kysely's SqliteDialect asks for. It blocks: a query is over when it returns.
 *
 * A transaction takes the write lock at its begin. A deferred one would fail where another process wrote between its
 * first read and its first write, and no waiting helps against that.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { SqliteDatabase, SqliteStatement } from "kysely";
import { HoldfastError } from "../domain/errors.ts";
import { InvariantError } from "../domain/invariant.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { ColumnWords } from "./migrations/migration.ts";
import { Planning, RowReader } from "./sqlite-rows.ts";

/** How long a statement waits for another process's write. */
const BUSY_TIMEOUT_MS = 5_000;
/**
 * So long once one has waited in vain, until one is taken again. Whoever has the lock may be stopped, and to wait stops all
 * else here as well: what AWS answered would be read too late, and groups would be held too late.
 */
const BUSY_AGAIN_TIMEOUT_MS = 50;
/** Prepared statements kept; the verbs of the store are fewer. */
const STATEMENT_COUNT_MAX = 256;

/** In the header of the file, for https://sqlite.org/pragma.html#pragma_application_id: "HOLD". */
const APPLICATION_ID = 0x484f4c44;

export const SQLITE_WORDS: ColumnWords = {
  integer: "integer",
  bytes: "blob",
  countingKey: "integer primary key autoincrement",
  tableEnd: "strict",
};

/** Another process has the lock. */
const BUSY = 5;
/** Primary result codes that say that the file or the disk is at fault: https://sqlite.org/rescode.html */
const UNAVAILABLE: ReadonlySet<number> = new Set([
  BUSY,
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  26, // NOTADB
]);
const CONSTRAINT = 19;

/**
 * Opens a file, or ":memory:". The file holds secrets of machines about to start: it is made readable by its owner only.
 * @param clock what the database's own clock says, in epoch milliseconds, where it is not to be the computer's.
 * @throws {HoldfastError} `store-unavailable`
 */
export function openSqlite(path: string, clock: (() => number) | null = null): SqliteDatabase {
  return guarded(`opening the store ${path}`, () => {
    if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    // The function that `DATABASE_NOW_MS` asks.
    if (clock !== null) database.function("unixepoch", { varargs: true }, () => clock() / SECOND_MS);
    try {
      claim(path, database);
      database.exec("pragma journal_mode = wal; pragma synchronous = full;");
    } catch (error) {
      database.close();
      throw error;
    }
    return new Connection(path, database);
  });
}

/** Marks an empty file as ours, and leaves one alone that belongs to another program. */
function claim(path: string, database: DatabaseSync): void {
  const isEmpty = database.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
  if (isEmpty) database.exec(`pragma application_id = ${APPLICATION_ID}`);
  const row = database.prepare("pragma application_id").get();
  if (row?.application_id !== APPLICATION_ID)
    throw new HoldfastError("store-unavailable", `opening ${path}, which is the database of another program`);
}

class Connection implements SqliteDatabase {
  readonly #attempted: string;
  readonly #database: DatabaseSync;
  readonly #patience: Patience;
  readonly #planning: Planning;
  /** In the order of their last use. */
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(path: string, database: DatabaseSync) {
    this.#attempted = `using the store ${path}`;
    this.#database = database;
    this.#patience = new Patience(database);
    this.#planning = new Planning(database);
  }

  prepare(sql: string): SqliteStatement {
    // After a full disk SQLite may have rolled back by itself; to do it again would hide why.
    if (sql === "rollback" && !this.#database.isTransaction) return NOTHING;
    const kept = this.#statements.get(sql);
    const statement = kept ?? this.#prepareNew(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    for (const oldest of this.#statements.keys()) {
      if (this.#statements.size <= STATEMENT_COUNT_MAX) break;
      this.#statements.delete(oldest);
    }
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepareNew(sql: string): SqliteStatement {
    return guarded(this.#attempted, () => {
      const statement = this.#database.prepare(sql === "begin" ? "begin immediate" : sql);
      return this.#statementOf(statement, new RowReader(statement, this.#planning));
    });
  }

  #statementOf(statement: StatementSync, rows: RowReader): SqliteStatement {
    const reader = rows.hasRows;
    const use = <Value>(needsLock: boolean, ask: () => Value) =>
      guarded(this.#attempted, () => this.#patience.spend(needsLock, ask));
    const all = (parameters: readonly unknown[]) => use(false, () => rows.all(parameters));
    return {
      reader,
      all,
      run: (parameters) => use(!reader, () => statement.run(...(parameters as SQLInputValue[]))),
      iterate: (parameters) => all(parameters).values(),
    };
  }
}

/** How long statements wait for the lock. */
class Patience {
  readonly #database: DatabaseSync;
  #isLost = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @param needsLock what it gets, it gets only with the lock. */
  spend<Value>(needsLock: boolean, use: () => Value): Value {
    try {
      const value = use();
      if (needsLock) this.#set(false);
      return value;
    } catch (error) {
      if (resultCode(error) === BUSY) this.#set(true);
      throw error;
    }
  }

  #set(isLost: boolean): void {
    if (isLost === this.#isLost) return;
    this.#isLost = isLost;
    this.#database.exec(`pragma busy_timeout = ${isLost ? BUSY_AGAIN_TIMEOUT_MS : BUSY_TIMEOUT_MS}`);
  }
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

function guarded<Value>(attempted: string, use: () => Value): Value {
  try {
    return use();
  } catch (cause) {
    if (isUnavailable(cause)) throw unavailable(attempted, cause);
    if (resultCode(cause) === CONSTRAINT)
      throw new InvariantError(`broken invariant of the store: ${messageOf(cause)}`, { cause });
    throw cause;
  }
}

/** @param attempted what was being done when the file or the disk failed. */
export function unavailable(attempted: string, cause: unknown): HoldfastError {
  return new HoldfastError("store-unavailable", attempted, { cause });
}

function isUnavailable(error: unknown): boolean {
  const code = resultCode(error);
  return code === null ? isFileError(error) : UNAVAILABLE.has(code);
}

/** An error of the file system, such as a folder that does not exist: it names the call that failed. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/** SQLite's primary result code; null where the error is not SQLite's. */
function resultCode(error: unknown): number | null {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
