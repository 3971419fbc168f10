import type { ColumnWords, Migration } from "./migration.ts";

/** What operators set, what pools leave behind, and what is watched for long before it may be deleted. */
export const safety: Migration = {
  number: 2,
  name: "safety",
  statements: ({ integer, tableEnd }: ColumnWords) => [
    "alter table machines add column hold text",
    "alter table machines add column forced text",
    // What a ticket of an older store did before nobody wrote down: it counts as having been online.
    `alter table tickets add column was_online ${integer} not null default 1`,
    "alter table tickets add column purpose text not null default 'job'",
    `alter table tickets add column aimed_ms ${integer}`,
    "create index machines_pool_seen on machines (pool, is_agent_seen, created_ms)",
    // The generation of the opening in which it was last found to have been restored from a backup.
    `alter table store_facts add column restored_generation ${integer}`,
    `alter table store_facts add column restored_ms ${integer}`,
    `create table check_ins (
      machine_id text not null references machines (id) on delete cascade,
      incarnation text not null,
      number ${integer} not null,
      boot_id text not null,
      first_ms ${integer} not null,
      returned_ms ${integer},
      primary key (machine_id, incarnation)
    ) ${tableEnd}`,
    `create table freezes (
      scope text primary key,
      operator text not null,
      reason text not null,
      since_ms ${integer} not null
    ) ${tableEnd}`,
    `create table drains (
      subject_kind text not null,
      subject_id text not null,
      operator text not null,
      reason text not null,
      since_ms ${integer} not null,
      primary key (subject_kind, subject_id)
    ) ${tableEnd}`,
    `create table pool_settings (
      pool text not null,
      settings_hash text not null,
      settings text not null,
      is_current ${integer} not null,
      stored_ms ${integer} not null,
      left_ms ${integer},
      primary key (pool, settings_hash)
    ) ${tableEnd}`,
    `create table unknown_registrations (
      connection text not null,
      scope text not null,
      runner_id ${integer} not null,
      runner_name text not null,
      offline_since_ms ${integer} not null,
      last_read_ms ${integer} not null,
      primary key (connection, scope, runner_id)
    ) ${tableEnd}`,
  ],
};
