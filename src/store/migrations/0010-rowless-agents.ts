import type { ColumnWords, Migration } from "./migration.ts";

/** Machines without a row whose agents spoke to a process, for the one that holds their pool. */
export const rowlessAgents: Migration = {
  number: 10,
  name: "rowless-agents",
  statements: ({ integer, tableEnd }: ColumnWords) => [
    `create table rowless_agents (
      provider_id text primary key,
      spoke_ms ${integer} not null,
      told_by text not null
    ) ${tableEnd}`,
  ],
};
