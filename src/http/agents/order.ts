/** The order that comes with the answer to a report: to hand its ticket back. The host decides by its fence. */
import { isForWantOfJob, isWaitedFor } from "../../domain/hand-back.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { HandBackOrder } from "../../domain/protocol.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { listJobsServedBy } from "../../store/jobs/list.ts";
import type { Store } from "../../store/store.ts";

export interface ServedPool extends PoolPolicy {
  /** Its connection was removed from the configuration: nothing can be deleted at GitHub. */
  readonly isUnconnected?: boolean;
}

export interface OrderSources {
  readonly store: Store;
  readonly pools: readonly ServedPool[];
}

/** @param tickets of the machine that reports. */
export async function findOrder(
  { store, pools }: OrderSources,
  tickets: readonly Ticket[],
): Promise<HandBackOrder | null> {
  const asked = tickets.find(({ state }) => state.kind === "handing-back");
  const pool = pools.find(({ name }) => name === asked?.pool);
  if (asked === undefined || pool === undefined || !maySweep(pool)) return null;
  const mayRest = isForWantOfJob(asked);
  if (mayRest && isWaitedFor(asked, await listJobsServedBy(store.db, pool))) return null;
  return { ticketId: asked.id, attempt: asked.state.sinceMs };
}

/** Else nobody deletes the registration of a listener that its fence has ended, and GitHub goes on giving it jobs. */
function maySweep({ mode, isUnconnected }: ServedPool): boolean {
  return mode !== "observe" && isUnconnected !== true;
}
