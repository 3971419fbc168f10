/** The words in which dialects differ when tables are made; everything else in a migration is the SQL that both know. */
export interface ColumnWords {
  /** Whole numbers up to 2^53. */
  readonly integer: string;
  readonly bytes: string;
  /** A primary key that the database counts up itself, never using a number twice. */
  readonly countingKey: string;
  /** What stands behind the closing parenthesis of a table. */
  readonly tableEnd: string;
}

/** One step of the schema. Once released it is never changed; the next change is the next number. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** The statements, in their order; they run in one transaction together with the note that they ran. */
  readonly statements: (words: ColumnWords) => readonly string[];
}
