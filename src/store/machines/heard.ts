/** What is written when an agent speaks. Each is one compare-and-set, safe against the controllers' own writes. */
import { isDeepStrictEqual } from "node:util";
import { sql } from "kysely";
import { HoldfastError } from "../../domain/errors.ts";
import type { IncarnationId, MachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { HostReport } from "../../domain/protocol.ts";
import type { Queryable } from "../schema.ts";
import { countOf } from "../statement.ts";
import { loadMachine } from "./load.ts";

/** How often a report is tried again because another write came between its read and its write. */
const TRY_COUNT_MAX = 8;

/** Notes that somebody tried to speak as this machine. Idempotent; moves the version by one the first time. */
export async function recordAgentSeen(db: Queryable, id: MachineId): Promise<void> {
  await db
    .updateTable("machines")
    .set({ is_agent_seen: 1, version: sql<number>`version + 1` })
    .where("id", "=", id)
    .where("is_agent_seen", "=", 0)
    .execute();
}

/**
 * A check-in. A new incarnation starts at sequence 0 and has reported nothing; one that checks in again, having lost its
 * token, keeps both, since a sequence number belongs to its incarnation. Moves the version by one.
 * @returns false for an unknown machine.
 */
export async function recordIncarnation(db: Queryable, id: MachineId, incarnation: IncarnationId): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("machines")
    .set({
      sequence: sql<number>`case when incarnation = ${incarnation} then sequence else 0 end`,
      report: sql<string | null>`case when incarnation = ${incarnation} then report else null end`,
      is_report_pending: sql<number>`case when incarnation = ${incarnation} then is_report_pending else 0 end`,
      // Whatever a new incarnation says comes after the retiring that it checks in to.
      heard_sequence: sql<number | null>`case when incarnation = ${incarnation} then heard_sequence
        when heard_sequence is null then null else 0 end`,
      incarnation,
      is_agent_seen: 1,
      version: sql<number>`version + 1`,
    })
    .where("id", "=", id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export interface HeardReport {
  readonly machineId: MachineId;
  readonly incarnation: IncarnationId;
  readonly sequence: number;
  readonly report: HostReport;
}

/** `unchanged`: it says what is stored, and nothing waits for it, so nothing was written. `stale`: a later one was taken. */
export type ReportOutcome = "recorded" | "unchanged" | "stale" | "unknown-incarnation" | "unknown-machine";

export interface TakenReport {
  readonly outcome: ReportOutcome;
  /** As it was read, or written, last: of a recorded report with what it says. Null for a machine that is not known. */
  readonly machine: Machine | null;
}

/**
 * Takes a report if it is later than the stored one. What changed is written and moves the version by one; what did not
 * is written only for a machine that retires or is being stopped: its proof needs a report later than that.
 * @throws {HoldfastError} `store-unavailable` where other writes kept coming between.
 */
export async function recordReport(db: Queryable, heard: HeardReport): Promise<TakenReport> {
  for (let tryCount = 0; tryCount < TRY_COUNT_MAX; tryCount += 1) {
    const machine = await loadMachine(db, heard.machineId);
    if (machine === null) return { outcome: "unknown-machine", machine };
    const outcome = judgeReport(machine, heard);
    if (outcome !== "recorded") return { outcome, machine };
    // Its version is compared: nothing else of the row has changed since it was read.
    if (await writeReport(db, machine, heard)) return { outcome, machine: withReport(machine, heard) };
  }
  throw new HoldfastError("store-unavailable", `recording a report of machine ${heard.machineId}`);
}

function judgeReport(machine: Machine, heard: HeardReport): ReportOutcome {
  if (machine.incarnation !== heard.incarnation) return "unknown-incarnation";
  if (heard.sequence <= machine.sequence) return "stale";
  const isSame = isDeepStrictEqual(machine.report, JSON.parse(JSON.stringify(heard.report)));
  return isSame && !awaitsRepetition(machine) ? "unchanged" : "recorded";
}

/** The same words prove something new after its retiring, and before it is stopped. */
function awaitsRepetition({ state }: Machine): boolean {
  return state.kind === "retiring" || state.kind === "stopping";
}

function withReport(machine: Machine, { report, sequence }: HeardReport): Machine {
  return { ...machine, report, sequence, isAgentSeen: true, version: machine.version + 1 };
}

interface ReportColumns {
  readonly id: MachineId;
  readonly sequence: number;
  readonly report: string;
  readonly version: number;
  readonly nextVersion: number;
}

const update = countOf((db, { id, sequence, report, version, nextVersion }: ReportColumns) =>
  db
    .updateTable("machines")
    .set({ sequence, report, is_report_pending: 1, is_agent_seen: 1, version: nextVersion })
    .where("id", "=", id)
    .where("version", "=", version),
);

async function writeReport(db: Queryable, machine: Machine, heard: HeardReport): Promise<boolean> {
  const { sequence } = heard;
  const report = JSON.stringify(heard.report);
  const { id, version } = machine;
  return (await update(db, { id, sequence, report, version, nextVersion: version + 1 })) > 0;
}
