import { type MachineId, type PoolName, parseMachineId, parsePoolName } from "../../domain/ids.ts";
import type { Machine, MachineStateKind } from "../../domain/machine.ts";
import type { TicketStateKind } from "../../domain/ticket.ts";
import type { JudgedMachine, JudgedTicket } from "../../domain/verdict.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { LIVE_STATES } from "../tickets/row.ts";
import { PRESENT_STATES, toReport } from "./row.ts";

/** What a verdict asks of a machine, and what picks it out of many: little enough to be read of a whole fleet at a look. */
export interface SurveyedMachine extends JudgedMachine {
  readonly id: MachineId;
  readonly pool: PoolName;
  readonly state: { readonly kind: MachineStateKind; readonly sinceMs: number };
  /** The one that is live; a machine has at most one. */
  readonly ticket: JudgedTicket | null;
  /** An operator has said something of the machine itself. */
  readonly hasWord: boolean;
}

const surveyed = rowsOf((db) =>
  db
    .selectFrom("machines")
    .leftJoin("tickets", (join) =>
      join.onRef("tickets.machine_id", "=", "machines.id").on("tickets.state", "in", LIVE_STATES),
    )
    .select([
      "machines.id",
      "machines.pool",
      "machines.state",
      "machines.state_since_ms",
      "machines.origin",
      "machines.is_agent_seen",
      "machines.report",
      "machines.hold",
      "machines.forced",
      "machines.retire_when_spent",
      "tickets.state as ticket_state",
    ])
    .where("machines.state", "in", PRESENT_STATES),
);

/** All that may exist, of every pool, in no order. */
export async function surveyMachines(db: Queryable): Promise<readonly SurveyedMachine[]> {
  const rows = await surveyed(db, {});
  return rows.map((row) => ({
    id: parseMachineId(row.id),
    pool: parsePoolName(row.pool),
    state: { kind: row.state as MachineStateKind, sinceMs: row.state_since_ms },
    origin: row.origin as Machine["origin"],
    isAgentSeen: row.is_agent_seen === 1,
    report: row.report === null ? null : toReport(row.report),
    ticket: row.ticket_state === null ? null : { state: { kind: row.ticket_state as TicketStateKind } },
    hasWord: row.hold !== null || row.forced !== null || row.retire_when_spent === "drained",
  }));
}
