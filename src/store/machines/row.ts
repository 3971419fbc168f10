import {
  parseIncarnationId,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
  parseProviderId,
  parseTicketId,
} from "../../domain/ids.ts";
import { InvariantError, unreachable } from "../../domain/invariant.ts";
import {
  type GoneReason,
  MACHINE_STATES,
  type Machine,
  type MachineState,
  type MachineStateKind,
  type RetiringStage,
} from "../../domain/machine.ts";
import type { HostReport } from "../../domain/protocol.ts";
import type { RetireReason } from "../../domain/reasons.ts";
import type { MachinesTable } from "../schema.ts";

/** The states in which a machine may exist: all but `gone`. */
export const PRESENT_STATES = MACHINE_STATES.filter((state) => state !== "gone");

/** The stage of a stopped machine that is to be started. */
const STARTING = "starting";

/** All columns that a machine's own fields make; whether a report is pending is written where one is heard. */
export function toMachineColumns(machine: Machine): Omit<MachinesTable, "is_report_pending"> {
  return {
    id: machine.id,
    pool: machine.pool,
    launch_id: machine.launchId,
    origin: machine.origin,
    ...toStateColumns(machine.state),
    version: machine.version,
    settings_hash: machine.settingsHash,
    found_by_settings: machine.foundBySettings === null ? null : JSON.stringify(machine.foundBySettings),
    tickets_given: machine.ticketsGiven,
    is_agent_seen: machine.isAgentSeen ? 1 : 0,
    incarnation: machine.incarnation,
    sequence: machine.sequence,
    report: machine.report === null ? null : JSON.stringify(machine.report),
    retire_when_spent: machine.retireWhenSpent,
    hold: machine.hold === null ? null : JSON.stringify(machine.hold),
    forced: machine.forced === null ? null : JSON.stringify(machine.forced),
    created_ms: machine.createdAtMs,
  };
}

type StateColumns = Pick<
  MachinesTable,
  "state" | "state_since_ms" | "provider_id" | "ticket_id" | "stage" | "heard_sequence" | "reason"
>;

function toStateColumns(state: MachineState): StateColumns {
  const columns: StateColumns = {
    state: state.kind,
    state_since_ms: state.sinceMs,
    provider_id: null,
    ticket_id: null,
    stage: null,
    heard_sequence: null,
    reason: null,
  };
  switch (state.kind) {
    case "planned":
      return columns;
    case "provisioning":
    case "parked":
      return { ...columns, provider_id: state.providerId };
    case "stopping":
      return { ...columns, provider_id: state.providerId, heard_sequence: state.heardSequence };
    case "stopped": {
      const stage = state.isStarting ? STARTING : null;
      return { ...columns, provider_id: state.providerId, heard_sequence: state.heardSequence, stage };
    }
    case "engaged":
      return { ...columns, provider_id: state.providerId, ticket_id: state.ticketId };
    case "retiring":
      return {
        ...columns,
        provider_id: state.providerId,
        stage: state.stage,
        reason: state.reason,
        heard_sequence: state.heardSequence,
      };
    case "gone":
      return { ...columns, provider_id: state.providerId, reason: state.reason };
    default:
      return unreachable(state);
  }
}

export function toMachine(row: MachinesTable): Machine {
  return {
    id: parseMachineId(row.id),
    pool: parsePoolName(row.pool),
    launchId: parseLaunchId(row.launch_id),
    origin: row.origin as Machine["origin"],
    state: toState(row),
    version: row.version,
    settingsHash: row.settings_hash,
    foundBySettings: row.found_by_settings === null ? null : JSON.parse(row.found_by_settings),
    ticketsGiven: row.tickets_given,
    isAgentSeen: row.is_agent_seen === 1,
    incarnation: row.incarnation === null ? null : parseIncarnationId(row.incarnation),
    sequence: row.sequence,
    report: row.report === null ? null : toReport(row.report),
    retireWhenSpent: row.retire_when_spent as RetireReason | null,
    hold: row.hold === null ? null : JSON.parse(row.hold),
    forced: row.forced === null ? null : JSON.parse(row.forced),
    createdAtMs: row.created_ms,
  };
}

function toState(row: MachinesTable): MachineState {
  const kind = row.state as MachineStateKind;
  const sinceMs = row.state_since_ms;
  const providerId = row.provider_id === null ? null : parseProviderId(row.provider_id);
  if (kind === "planned") return { kind, sinceMs };
  if (kind === "gone") return { kind, providerId, reason: row.reason as GoneReason, sinceMs };
  if (providerId === null) throw new InvariantError(`machine ${row.id} is ${kind} without a provider id`);
  switch (kind) {
    case "provisioning":
    case "parked":
      return { kind, providerId, sinceMs };
    case "stopping":
      return { kind, providerId, heardSequence: row.heard_sequence ?? 0, sinceMs };
    case "stopped": {
      const heardSequence = row.heard_sequence ?? 0;
      return { kind, providerId, heardSequence, isStarting: row.stage === STARTING, sinceMs };
    }
    case "engaged":
      return { kind, providerId, ticketId: parseTicketId(row.ticket_id ?? ""), sinceMs };
    case "retiring":
      return {
        kind,
        providerId,
        stage: row.stage as RetiringStage,
        reason: row.reason as RetireReason,
        heardSequence: row.heard_sequence ?? 0,
        sinceMs,
      };
    default:
      return unreachable(kind);
  }
}

/** A report that was stored before hosts said so names neither refusal nor stillness. */
export function toReport(text: string): HostReport {
  return { fence: null, stillness: null, ...JSON.parse(text) };
}
