import type { ColumnWords, Migration } from "./migration.ts";

/** The kinds of `isTicketLive`; a test compares the two. */
const LIVE_TICKET = "state in ('minting', 'issued', 'delivered', 'online', 'running', 'handing-back', 'unknown')";

function storeTables({ integer, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table store_facts (key ${integer} primary key, generation ${integer} not null) ${tableEnd}`,
    "insert into store_facts (key, generation) values (1, 0)",
    `create table leases (
      pool text primary key,
      holder text not null,
      epoch ${integer} not null,
      expires_ms ${integer} not null
    ) ${tableEnd}`,
  ];
}

function deliveryTables({ integer, bytes, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table deliveries (
      connection text not null,
      id text not null,
      event text not null,
      body ${bytes} not null,
      received_ms ${integer} not null,
      state text not null,
      error text,
      finished_ms ${integer},
      primary key (connection, id)
    ) ${tableEnd}`,
    "create index deliveries_state on deliveries (state, received_ms, connection, id)",
    "create index deliveries_received on deliveries (received_ms, connection, id)",
  ];
}

function jobTables({ integer, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table jobs (
      connection text not null,
      id ${integer} not null,
      repository text not null,
      run_id ${integer} not null,
      run_attempt ${integer} not null,
      name text not null,
      workflow_name text not null,
      html_url text not null,
      labels text not null,
      status text not null,
      conclusion text,
      runner_id ${integer},
      runner_name text,
      created_ms ${integer} not null,
      started_ms ${integer},
      completed_ms ${integer},
      queued_seen_ms ${integer},
      pool text,
      version ${integer} not null,
      ticket_count ${integer} not null,
      last_ticket_ms ${integer},
      asked_ms ${integer},
      first_seen_ms ${integer} not null,
      updated_ms ${integer} not null,
      primary key (connection, id)
    ) ${tableEnd}`,
    "create index jobs_status_pool on jobs (status, pool, created_ms, id)",
    "create index jobs_status on jobs (status, created_ms, id)",
    "create index jobs_updated on jobs (status, updated_ms)",
    "create index jobs_created on jobs (created_ms, id)",
    "create index jobs_id on jobs (id)",
    "create index jobs_runner_name on jobs (runner_name)",
  ];
}

function machineTables({ integer, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table machines (
      id text primary key,
      pool text not null,
      launch_id text not null,
      origin text not null,
      state text not null,
      state_since_ms ${integer} not null,
      provider_id text,
      ticket_id text,
      stage text,
      heard_sequence ${integer},
      reason text,
      version ${integer} not null,
      settings_hash text not null,
      tickets_given ${integer} not null,
      is_agent_seen ${integer} not null,
      incarnation text,
      sequence ${integer} not null,
      report text,
      is_report_pending ${integer} not null default 0,
      heard_ms ${integer},
      retire_when_spent text,
      created_ms ${integer} not null
    ) ${tableEnd}`,
    "create index machines_pool_state on machines (pool, state, state_since_ms, id)",
    "create index machines_state on machines (state, pool, state_since_ms)",
    "create index machines_created on machines (created_ms, id)",
    "create index machines_pool_created on machines (pool, created_ms, id)",
    "create index machines_provider_id on machines (provider_id)",
    "create index machines_launch_id on machines (launch_id)",
    "create index machines_news on machines (pool, id) where is_report_pending = 1",
    `create table machine_logs (
      machine_id text not null references machines (id),
      ticket_id text not null,
      name text not null,
      lines text not null,
      saved_ms ${integer} not null,
      primary key (machine_id, ticket_id, name)
    ) ${tableEnd}`,
    `create table launches (
      id text primary key,
      pool text not null,
      settings_hash text not null,
      machine_ids text not null,
      state text not null,
      attempt_count ${integer} not null,
      next_attempt_ms ${integer} not null,
      error text,
      created_ms ${integer} not null,
      version ${integer} not null
    ) ${tableEnd}`,
    "create index launches_pool_state on launches (pool, state, created_ms, id)",
    "create index launches_state on launches (state, created_ms)",
  ];
}

function ticketTables({ integer, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table tickets (
      id text primary key,
      pool text not null,
      connection text not null,
      scope_kind text not null,
      scope_owner text not null,
      scope_repository text,
      machine_id text not null references machines (id),
      job_id ${integer},
      runner_name text not null unique,
      runner_id ${integer},
      registration text not null,
      delivered_to text,
      state text not null,
      state_since_ms ${integer} not null,
      state_reason text,
      version ${integer} not null,
      created_ms ${integer} not null
    ) ${tableEnd}`,
    `create unique index tickets_live_machine on tickets (machine_id) where ${LIVE_TICKET}`,
    "create index tickets_machine on tickets (machine_id, created_ms, id)",
    "create index tickets_pool_state on tickets (pool, state, created_ms, id)",
    "create index tickets_pool_registration on tickets (pool, registration, state)",
    "create index tickets_job on tickets (connection, job_id, created_ms, id)",
    `create table ticket_secrets (
      ticket_id text primary key references tickets (id) on delete cascade,
      jit_config text not null
    ) ${tableEnd}`,
  ];
}

function historyTables({ integer, countingKey, tableEnd }: ColumnWords): readonly string[] {
  return [
    `create table evidence (
      id ${countingKey},
      subject_kind text not null,
      subject_id text not null,
      source text not null,
      fact text not null,
      observed_ms ${integer} not null,
      confirmed_ms ${integer} not null
    ) ${tableEnd}`,
    "create index evidence_subject on evidence (subject_kind, subject_id, id)",
    "create index evidence_subject_source on evidence (subject_kind, subject_id, source, id)",
    "create index evidence_confirmed on evidence (subject_kind, confirmed_ms)",
    `create table decisions (
      id ${countingKey},
      subject_kind text not null,
      subject_id text not null,
      action text not null,
      reason text not null,
      decided_ms ${integer} not null,
      confirmed_ms ${integer} not null
    ) ${tableEnd}`,
    "create index decisions_subject on decisions (subject_kind, subject_id, id)",
    "create index decisions_confirmed on decisions (subject_kind, confirmed_ms)",
  ];
}

/** Everything that the first release stores. */
export const tables: Migration = {
  number: 1,
  name: "tables",
  statements: (words) => [
    ...storeTables(words),
    ...deliveryTables(words),
    ...jobTables(words),
    ...machineTables(words),
    ...ticketTables(words),
    ...historyTables(words),
  ],
};
