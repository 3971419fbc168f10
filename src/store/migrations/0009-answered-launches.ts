import type { ColumnWords, Migration } from "./migration.ts";

/** When a launch was closed: for a while the provider's readings may be without what was asked for it. */
export const answeredLaunches: Migration = {
  number: 9,
  name: "answered-launches",
  statements: ({ integer }: ColumnWords) => [
    `alter table launches add column answered_ms ${integer}`,
    "create index launches_answered on launches (pool, answered_ms)",
  ],
};
