import type { ColumnWords, Migration } from "./migration.ts";

/** Whom the processes heard that do not hold the machine's pool, for the one that does. */
export const hearings: Migration = {
  number: 3,
  name: "hearings",
  statements: ({ integer, tableEnd }: ColumnWords) => [
    `create table hearings (
      machine_id text primary key references machines (id) on delete cascade,
      heard_ms ${integer},
      heard_by text,
      stirred_ms ${integer} not null,
      stirred_by text not null
    ) ${tableEnd}`,
    "alter table machines drop column heard_ms",
  ],
};
