/** The order that comes with the answer to a report: to hand its ticket back. The host decides by its fence. */
import { isWaitedFor, mayOrderRest } from "../../domain/hand-back.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { HandBackOrder } from "../../domain/protocol.ts";
import type { Ticket } from "../../domain/ticket.ts";
import type { Clock } from "../../ports/clock.ts";
import { listJobsServedBy } from "../../store/jobs/list.ts";
import type { Store } from "../../store/store.ts";

export interface OrderSources {
  readonly store: Store;
  readonly clock: Clock;
  readonly pools: readonly PoolPolicy[];
}

/** @param tickets of the machine that reports. */
export async function findOrder(sources: OrderSources, tickets: readonly Ticket[]): Promise<HandBackOrder | null> {
  const asked = tickets.find(({ state }) => state.kind === "handing-back");
  if (asked === undefined || (await isResting(sources, asked))) return null;
  return { ticketId: asked.id, attempt: asked.state.sinceMs };
}

async function isResting({ store, clock, pools }: OrderSources, asked: Ticket): Promise<boolean> {
  const pool = pools.find(({ name }) => name === asked.pool);
  if (pool === undefined || !mayOrderRest(asked, clock.nowMs())) return false;
  return isWaitedFor(asked, await listJobsServedBy(store.db, pool));
}
