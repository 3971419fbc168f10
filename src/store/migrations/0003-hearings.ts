import type { ColumnWords, Migration } from "./migration.ts";

/** What each replica heard last, for the others. */
export const hearings: Migration = {
  number: 3,
  name: "hearings",
  statements: ({ integer, tableEnd }: ColumnWords) => [
    `create table hearings (
      machine_id text primary key references machines (id) on delete cascade,
      listener text not null,
      heard_ms ${integer},
      stirred_ms ${integer} not null
    ) ${tableEnd}`,
    "alter table machines drop column heard_ms",
  ],
};
