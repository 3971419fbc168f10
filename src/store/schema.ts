/**
 * The tables as Kysely sees them. Columns are snake_case; times are epoch milliseconds of our clock and end in `_ms`;
 * lists and reports are JSON text; yes and no are 1 and 0. What a column means is said at the domain type that its row is
 * mapped to, in the `row.ts` beside each table's verbs; that mapping is the only one.
 */
import type { Generated, Kysely } from "kysely";

/** Where queries run: the store itself, or a transaction of it. */
export type Queryable = Kysely<Schema>;

export interface Schema {
  schema_migrations: { number: number; name: string };
  /** One row: `key` is always 1. */
  store_facts: StoreFactsTable;
  leases: LeasesTable;
  deliveries: DeliveriesTable;
  jobs: JobsTable;
  machines: MachinesTable;
  tickets: TicketsTable;
  ticket_secrets: { ticket_id: string; jit_config: string };
  launches: LaunchesTable;
  check_ins: CheckInsTable;
  hearings: HearingsTable;
  evidence: EvidenceTable;
  decisions: DecisionsTable;
  machine_logs: MachineLogsTable;
  freezes: FreezesTable;
  drains: DrainsTable;
  pool_settings: PoolSettingsTable;
  unknown_registrations: UnknownRegistrationsTable;
  reruns: RerunsTable;
  rowless_agents: RowlessAgentsTable;
}

/** Machines without a row whose agents spoke. */
export interface RowlessAgentsTable {
  provider_id: string;
  spoke_ms: number;
  told_by: string;
}

/** Jobs that are to run again: they went down with their machine, or an operator wants it. */
export interface RerunsTable {
  connection: string;
  run_id: number;
  job_name: string;
  repository: string;
  job_id: number;
  run_attempt: number;
  was_over: number;
  pool: string;
  lost_ms: number;
  look_count: number;
  state: string;
  /** Of the states `asked` and `over`. */
  state_since_ms: number | null;
  /** Of the state `due`. */
  next_ms: number | null;
  /** Of the state `asked`. */
  attempt: number | null;
  /** Of `due` what it waits for, of `over` why. */
  reason: string | null;
  /** Both null where no operator wants it. */
  operator: string | null;
  operator_reason: string | null;
  version: number;
}

export interface DrainsTable {
  /** `pool` or `machine`. Of a machine it only tells who and why: `retire_when_spent` is what counts. */
  subject_kind: string;
  subject_id: string;
  operator: string;
  reason: string;
  since_ms: number;
}

export interface StoreFactsTable {
  key: number;
  generation: number;
  /** The opening in which it was last found to have been restored from a backup, and when; null if never. */
  restored_generation: number | null;
  restored_ms: number | null;
}

/** Times by the database's clock. */
export interface HearingsTable {
  machine_id: string;
  /** Its agent's last word, and the process that heard it. */
  heard_ms: number | null;
  heard_by: string | null;
  /** The same, refused tries to speak as it included. */
  stirred_ms: number;
  stirred_by: string;
}

/** The starts of agents that checked in as a machine. */
export interface CheckInsTable {
  machine_id: string;
  incarnation: string;
  /** Grows by one with each new incarnation of the machine. */
  number: number;
  boot_id: string;
  first_ms: number;
  /** When it last checked in again after a later one had: then both are alive. */
  returned_ms: number | null;
}

export interface FreezesTable {
  /** A pool's name, or `*` for all of them. */
  scope: string;
  operator: string;
  reason: string;
  since_ms: number;
}

/**
 * What a pool was configured with, a row for each `settings_hash`: so that one that left the configuration can still be
 * drained, and that machines of older settings are found where those put them.
 */
export interface PoolSettingsTable {
  pool: string;
  settings_hash: string;
  /** JSON without secrets. */
  settings: string;
  /** Whether these are its last. */
  is_current: number;
  /** The last start that ran with them. */
  stored_ms: number;
  /** Null while the configuration has the pool. */
  left_ms: number | null;
}

/** Registrations with our prefix of which the store knows no ticket. */
export interface UnknownRegistrationsTable {
  connection: string;
  /** `scopeKey` of the place. */
  scope: string;
  runner_id: number;
  runner_name: string;
  /** Since when every reading says offline and not busy. */
  offline_since_ms: number;
  last_read_ms: number;
}

export interface LeasesTable {
  pool: string;
  holder: string;
  epoch: number;
  /** By the database's clock, the only one that all holders share. */
  expires_ms: number;
}

export interface DeliveriesTable {
  connection: string;
  id: string;
  event: string;
  body: Uint8Array;
  received_ms: number;
  state: string;
  error: string | null;
  /** When it was applied, ignored or quarantined. */
  finished_ms: number | null;
}

export interface JobsTable {
  connection: string;
  id: number;
  repository: string;
  run_id: number;
  run_attempt: number;
  name: string;
  workflow_name: string;
  html_url: string;
  labels: string;
  status: string;
  conclusion: string | null;
  runner_id: number | null;
  runner_name: string | null;
  created_ms: number;
  started_ms: number | null;
  completed_ms: number | null;
  queued_seen_ms: number | null;
  pool: string | null;
  version: number;
  ticket_count: number;
  last_ticket_ms: number | null;
  asked_ms: number | null;
  first_seen_ms: number;
  updated_ms: number;
}

export interface MachinesTable {
  id: string;
  pool: string;
  launch_id: string;
  origin: string;
  state: string;
  state_since_ms: number;
  provider_id: string | null;
  /** Of the state `engaged`. */
  ticket_id: string | null;
  /** Of the state `retiring`; of `stopped`, that it is to be started. */
  stage: string | null;
  heard_sequence: number | null;
  /** Of the states `retiring` and `gone`. */
  reason: string | null;
  version: number;
  settings_hash: string;
  /** JSON of an array of hashes. */
  found_by_settings: string | null;
  tickets_given: number;
  is_agent_seen: number;
  incarnation: string | null;
  sequence: number;
  report: string | null;
  /** Whether the stored report has not been attended to. */
  is_report_pending: number;
  retire_when_spent: string | null;
  /** JSON of an `OperatorMark`. */
  hold: string | null;
  /** JSON of an `OperatorMark`. */
  forced: string | null;
  created_ms: number;
}

export interface TicketsTable {
  id: string;
  pool: string;
  connection: string;
  scope_kind: string;
  scope_owner: string;
  scope_repository: string | null;
  machine_id: string;
  purpose: string;
  job_id: number | null;
  aimed_ms: number | null;
  runner_name: string;
  runner_id: number | null;
  registration: string;
  /** Whether its agent ever said that its listener has a session. */
  was_online: number;
  delivered_to: string | null;
  state: string;
  state_since_ms: number;
  /** Of the states `barren` and `void`. */
  state_reason: string | null;
  version: number;
  created_ms: number;
}

export interface LaunchesTable {
  id: string;
  pool: string;
  settings_hash: string;
  machine_ids: string;
  state: string;
  attempt_count: number;
  next_attempt_ms: number;
  error: string | null;
  created_ms: number;
  version: number;
  provider_order: string | null;
  answered_ms: number | null;
}

export interface EvidenceTable {
  id: Generated<number>;
  subject_kind: string;
  subject_id: string;
  source: string;
  fact: string;
  observed_ms: number;
  confirmed_ms: number;
}

export interface DecisionsTable {
  id: Generated<number>;
  subject_kind: string;
  subject_id: string;
  action: string;
  reason: string;
  decided_ms: number;
  confirmed_ms: number;
}

export interface MachineLogsTable {
  machine_id: string;
  /** Empty where the logs are of no ticket: part of the primary key, which takes no null. */
  ticket_id: string;
  name: string;
  lines: string;
  saved_ms: number;
}
