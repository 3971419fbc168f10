import type { ColumnWords, Migration } from "./migration.ts";

/** Jobs that went down with their machine and are to run again: once for each run and name, which the key keeps. */
export const reruns: Migration = {
  number: 5,
  name: "reruns",
  statements: ({ integer, tableEnd }: ColumnWords) => [
    `create table reruns (
      connection text not null,
      run_id ${integer} not null,
      job_name text not null,
      repository text not null,
      job_id ${integer} not null,
      run_attempt ${integer} not null,
      was_over ${integer} not null,
      pool text not null,
      lost_ms ${integer} not null,
      look_count ${integer} not null,
      state text not null,
      state_since_ms ${integer},
      next_ms ${integer},
      attempt ${integer},
      reason text,
      version ${integer} not null,
      primary key (connection, run_id, job_name)
    ) ${tableEnd}`,
    "create index reruns_next on reruns (connection, next_ms)",
    "create index reruns_lost on reruns (lost_ms)",
  ],
};
