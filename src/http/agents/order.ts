/** The order that comes with the answer to a report: to hand its ticket back. The host decides by its fence. */
import { isOrderResting } from "../../domain/hand-back.ts";
import type { Machine } from "../../domain/machine.ts";
import { isServedBy, type PoolPolicy } from "../../domain/pool.ts";
import type { HandBackOrder } from "../../domain/protocol.ts";
import type { Ticket } from "../../domain/ticket.ts";
import type { Clock } from "../../ports/clock.ts";
import { listQueuedAndUnroutedJobs } from "../../store/jobs/list.ts";
import type { Store } from "../../store/store.ts";

const JOBS_MAX = 2_000;

export interface OrderSources {
  readonly store: Store;
  readonly clock: Clock;
  readonly pools: readonly PoolPolicy[];
}

/**
 * @param machine who reports; its row may be lost.
 * @param tickets the machine's.
 */
export async function findOrder(
  sources: OrderSources,
  machine: Machine | null,
  tickets: readonly Ticket[],
): Promise<HandBackOrder | null> {
  const asked = tickets.find(({ state }) => state.kind === "handing-back");
  if (asked === undefined) return null;
  // A machine that is to go waits for no job.
  const mayRest = machine !== null && machine.retireWhenSpent === null;
  if (mayRest && isOrderResting(asked, await listWaiting(sources, asked), sources.clock.nowMs())) return null;
  return { ticketId: asked.id, attempt: asked.state.sinceMs };
}

async function listWaiting({ store, pools }: OrderSources, { pool: name }: Ticket) {
  const pool = pools.find((one) => one.name === name);
  if (pool === undefined) return [];
  const rows = await listQueuedAndUnroutedJobs(store.db, JOBS_MAX);
  return rows.map(({ job }) => job).filter((job) => isServedBy(pool, job));
}
