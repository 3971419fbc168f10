import {
  parseConnectionName,
  parseIncarnationId,
  parseJobId,
  parseMachineId,
  parsePoolName,
  parseRunnerId,
  parseTicketId,
} from "../../domain/ids.ts";
import { unreachable } from "../../domain/invariant.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type {
  HandBackReason,
  RegistrationState,
  Ticket,
  TicketPurpose,
  TicketState,
  TicketStateKind,
} from "../../domain/ticket.ts";
import type { TicketsTable } from "../schema.ts";

/** The kinds of `isTicketLive`; a test compares the two. */
export const LIVE_STATES = [
  "minting",
  "issued",
  "delivered",
  "online",
  "running",
  "handing-back",
  "unknown",
] as const satisfies readonly TicketStateKind[];

/** The kinds of `isTicketOver`. */
export const OVER_STATES = [
  "spent",
  "barren",
  "handed-back",
  "void",
  "lost",
] as const satisfies readonly TicketStateKind[];

export function toTicketColumns(ticket: Ticket): TicketsTable {
  const { scope, state } = ticket;
  return {
    id: ticket.id,
    pool: ticket.pool,
    connection: ticket.connection,
    ...toScopeColumns(scope),
    machine_id: ticket.machineId,
    purpose: ticket.purpose,
    job_id: ticket.jobId,
    aimed_ms: ticket.aimedAtMs,
    runner_name: ticket.runnerName,
    runner_id: ticket.runnerId,
    registration: ticket.registration,
    was_online: ticket.wasOnline ? 1 : 0,
    delivered_to: ticket.deliveredTo,
    state: state.kind,
    state_since_ms: state.sinceMs,
    state_reason: "reason" in state ? state.reason : null,
    version: ticket.version,
    created_ms: ticket.createdAtMs,
  };
}

export function toTicket(row: TicketsTable): Ticket {
  return {
    id: parseTicketId(row.id),
    pool: parsePoolName(row.pool),
    connection: parseConnectionName(row.connection),
    scope: toScope(row),
    machineId: parseMachineId(row.machine_id),
    purpose: row.purpose as TicketPurpose,
    jobId: row.job_id === null ? null : parseJobId(row.job_id),
    aimedAtMs: row.aimed_ms,
    runnerName: row.runner_name,
    runnerId: row.runner_id === null ? null : parseRunnerId(row.runner_id),
    registration: row.registration as RegistrationState,
    wasOnline: row.was_online === 1,
    deliveredTo: row.delivered_to === null ? null : parseIncarnationId(row.delivered_to),
    state: toState(row),
    version: row.version,
    createdAtMs: row.created_ms,
  };
}

function toScopeColumns(
  scope: RegistrationScope,
): Pick<TicketsTable, "scope_kind" | "scope_owner" | "scope_repository"> {
  const { kind } = scope;
  switch (kind) {
    case "organization":
      return { scope_kind: kind, scope_owner: scope.organization, scope_repository: null };
    case "repository":
      return { scope_kind: kind, scope_owner: scope.owner, scope_repository: scope.repository };
    case "enterprise":
      return { scope_kind: kind, scope_owner: scope.enterprise, scope_repository: null };
    default:
      return unreachable(kind);
  }
}

function toScope(row: TicketsTable): RegistrationScope {
  const kind = row.scope_kind as RegistrationScope["kind"];
  switch (kind) {
    case "organization":
      return { kind, organization: row.scope_owner };
    case "repository":
      return { kind, owner: row.scope_owner, repository: row.scope_repository ?? "" };
    case "enterprise":
      return { kind, enterprise: row.scope_owner };
    default:
      return unreachable(kind);
  }
}

function toState(row: TicketsTable): TicketState {
  const kind = row.state as TicketStateKind;
  const sinceMs = row.state_since_ms;
  if (kind === "handing-back") return { kind, sinceMs, reason: row.state_reason as HandBackReason | null };
  return kind === "barren" || kind === "void" ? { kind, sinceMs, reason: row.state_reason ?? "" } : { kind, sinceMs };
}
