/** What was done and refused around endings, counted over a time by the indices that migration 7 made for it. */
import { type RawBuilder, sql } from "kysely";
import { ALARM_FACTS, ALARM_KINDS, type AlarmKind, ENDING_FACT } from "../../domain/alarm-facts.ts";
import type { Evidence } from "../../domain/evidence.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { Queryable } from "../schema.ts";
import { toEvidence } from "./row.ts";

/** Word for word as in the index: a query that says the same in other words would not find it. */
const OF_ENDINGS: RawBuilder<boolean> = sql`source in ('controller', 'operator')`;
const OF_ALARMS: RawBuilder<boolean> = sql`substr(fact, 1, 12) in ('the fence re', 'machine adop', 'GitHub calls', 'ticket lost ', 'quarantined:')`;
/** Letters after the beginning of every such fact, in the order of texts. */
const AFTER_ENDING_FACT = `${ENDING_FACT}!`;

export interface EndingCount {
  /** As `endingFact` makes it. */
  readonly fact: string;
  readonly machineCount: number;
}

/** Machines that the provider was asked to end since then, by what is written down of it. */
export async function countEndings(db: Queryable, sinceMs: number): Promise<readonly EndingCount[]> {
  const rows = await db
    .selectFrom("evidence")
    .select(["fact", ({ fn }) => fn.count<number>("subject_id").distinct().as("count")])
    .where(OF_ENDINGS)
    .where("subject_kind", "=", "machine")
    .where("observed_ms", ">=", sinceMs)
    .where("source", "=", "controller")
    .where("fact", ">", ENDING_FACT)
    .where("fact", "<", AFTER_ENDING_FACT)
    .groupBy("fact")
    .execute();
  return rows.map(({ fact, count }) => ({ fact, machineCount: count }));
}

/** Those of them that were forced, newest first. */
export async function listForcedEndings(
  db: Queryable,
  { sinceMs, limitCount }: { readonly sinceMs: number; readonly limitCount: number },
): Promise<readonly Evidence[]> {
  const rows = await db
    .selectFrom("evidence")
    .selectAll()
    .where(OF_ENDINGS)
    .where("subject_kind", "=", "machine")
    .where("observed_ms", ">=", sinceMs)
    .where("source", "=", "controller")
    .where("fact", "like", sql.lit(`${ENDING_FACT} forced%`))
    .orderBy("observed_ms", "desc")
    .limit(limitCount)
    .execute();
  return rows.map(toEvidence);
}

export interface RefusalCount {
  readonly reason: ReasonCode;
  readonly machineCount: number;
}

/** Machines whose ending began to wait since then, by the reason. */
export async function countRefusals(db: Queryable, sinceMs: number): Promise<readonly RefusalCount[]> {
  const rows = await db
    .selectFrom("decisions")
    .select(["reason", ({ fn }) => fn.count<number>("subject_id").distinct().as("count")])
    .where(sql<boolean>`action = 'wait'`)
    .where("subject_kind", "=", "machine")
    .where("decided_ms", ">=", sinceMs)
    .groupBy("reason")
    .execute();
  return rows.map(({ reason, count }) => ({ reason: reason as ReasonCode, machineCount: count }));
}

export interface AlarmCount {
  readonly kind: AlarmKind;
  readonly count: number;
}

/** How often each was written down since then; each is told of a machine or, where it is of no machine, of a ticket. */
export async function countAlarms(db: Queryable, sinceMs: number): Promise<readonly AlarmCount[]> {
  const rows = await db
    .selectFrom("evidence")
    .select([
      sql<string>`substr(fact, 1, 12)`.as("beginning"),
      "subject_kind",
      ({ fn }) => fn.countAll<number>().as("count"),
    ])
    .where(OF_ALARMS)
    .where("observed_ms", ">=", sinceMs)
    .groupBy(["beginning", "subject_kind"])
    .execute();
  return ALARM_KINDS.map((kind) => {
    const ofKind = rows.filter(({ beginning }) => ALARM_FACTS[kind].startsWith(beginning));
    const ofMachines = ofKind.find(({ subject_kind }) => subject_kind === "machine");
    return { kind, count: (ofMachines ?? ofKind[0])?.count ?? 0 };
  });
}

/** The newest of them first. */
export async function listAlarms(
  db: Queryable,
  { sinceMs, limitCount }: { readonly sinceMs: number; readonly limitCount: number },
): Promise<readonly Evidence[]> {
  const rows = await db
    .selectFrom("evidence")
    .selectAll()
    .where(OF_ALARMS)
    .where("observed_ms", ">=", sinceMs)
    .orderBy("observed_ms", "desc")
    .limit(limitCount)
    .execute();
  return rows.map(toEvidence);
}
