import type { PoolName } from "../../domain/ids.ts";
import type { TicketPurpose, TicketStateKind } from "../../domain/ticket.ts";
import type { Queryable } from "../schema.ts";
import { rowOf, rowsOf } from "../statement.ts";
import { LIVE_STATES, OVER_STATES } from "./row.ts";

export interface LiveTicketCount {
  readonly purpose: TicketPurpose;
  readonly state: TicketStateKind;
  /** Whether it counts for a job. */
  readonly isAimed: boolean;
  readonly count: number;
}

const live = rowsOf((db, { pool }: { readonly pool: PoolName }) =>
  db
    .selectFrom("tickets")
    .select([
      "purpose",
      "state",
      ({ eb }) => eb("job_id", "is not", null).as("is_aimed"),
      ({ fn }) => fn.countAll<number>().as("count"),
    ])
    .where("pool", "=", pool)
    .where("state", "in", LIVE_STATES)
    .groupBy(["purpose", "state", "is_aimed"]),
);

/** Those of `isTicketLive`: one entry for each kind that has any. */
export async function countLiveTickets(db: Queryable, pool: PoolName): Promise<readonly LiveTicketCount[]> {
  const rows = await live(db, { pool });
  return rows.map((row) => ({
    purpose: row.purpose as TicketPurpose,
    state: row.state as TicketStateKind,
    isAimed: Boolean(row.is_aimed),
    count: row.count,
  }));
}

const owing = rowOf((db, { pool }: { readonly pool: PoolName }) =>
  db
    .selectFrom("tickets")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("pool", "=", pool)
    .where("registration", "in", ["present", "unknown"])
    .where("state", "in", OVER_STATES),
);

/** Those of `listTicketsOwingDeletion`, counted. */
export async function countTicketsOwingDeletion(db: Queryable, pool: PoolName): Promise<number> {
  return (await owing(db, { pool }))?.count ?? 0;
}
