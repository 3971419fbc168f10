import type { ColumnWords, Migration } from "./migration.ts";

/** When a launch was answered: how long what was asked for it may still be missing from the provider's readings. */
export const answeredLaunches: Migration = {
  number: 9,
  name: "answered-launches",
  statements: ({ integer }: ColumnWords) => [`alter table launches add column answered_ms ${integer}`],
};
