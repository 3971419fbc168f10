import { type LimitNode, type QueryCompiler, SqliteDialect, SqliteQueryCompiler } from "kysely";

/**
 * Kysely's SQLite, in words that SQLite plans once for a prepared statement. Where a limit is a bare parameter, SQLite looks
 * at its value to plan by it, and so plans anew each time a value is bound: a statement that found nothing took 25 times as
 * long. It looks into no expression. (`sqlite3ExprIsInteger` in SQLite's `expr.c`; what would turn it off,
 * https://sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigenableqpsg, `node:sqlite` does not offer.)
 */
export class PlannedOnceDialect extends SqliteDialect {
  override createQueryCompiler(): QueryCompiler {
    return new PlannedOnceCompiler();
  }
}

class PlannedOnceCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    this.append("limit cast(");
    this.visitNode(node.limit);
    this.append(" as integer)");
  }
}
