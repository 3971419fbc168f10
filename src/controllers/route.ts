/**
 * Decides again, for every waiting job without a ticket, which pool it belongs to: the first that can start a machine now.
 * Only jobs that more than one pool could serve ever move.
 */

import type { PoolName } from "../domain/ids.ts";
import { rankPools, routeJob } from "../domain/pool.ts";
import { isTicketLive } from "../domain/ticket.ts";
import { listQueuedAndUnroutedJobs } from "../store/jobs/list.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { saveJob } from "../store/jobs/save.ts";
import { countMachinesByPoolAndState, countPresentByPool } from "../store/machines/count.ts";
import { listTicketsOfJob } from "../store/tickets/list.ts";
import type { Surroundings } from "./context.ts";

const JOBS_MAX = 2_000;

export async function routeWaitingJobs(context: Surroundings): Promise<void> {
  const rows = await listQueuedAndUnroutedJobs(context.store.db, JOBS_MAX);
  const movable = rows.filter((row) => rankPools(context.pools, row.job).length > (row.pool === null ? 0 : 1));
  if (movable.length === 0) return;
  const room = await readRoom(context, rows);
  for (const row of movable) {
    const tickets = await listTicketsOfJob(context.store.db, row.job.id, row.job.connection);
    if (tickets.some(isTicketLive)) continue;
    if (row.pool !== null) room.set(row.pool, (room.get(row.pool) ?? 0) + 1);
    const pool = routeJob(context.pools, row.job, room);
    if (pool === null) continue;
    room.set(pool, (room.get(pool) ?? 0) - 1);
    if (pool === row.pool) continue;
    await saveJob(context.store.db, { ...row, pool }, row.version, context.clock.nowMs());
    context.wake.controller("assign", pool);
  }
}

/** Machines that each pool could still start or has parked, less the jobs that already count on them. */
async function readRoom(context: Surroundings, rows: readonly JobRow[]): Promise<Map<PoolName, number>> {
  const present = await countPresentByPool(context.store.db);
  const free = await countMachinesByPoolAndState(context.store.db);
  const room = new Map<PoolName, number>();
  for (const pool of context.pools) {
    const parked = free.filter((count) => count.pool === pool.name && count.state === "parked");
    const parkedCount = parked.reduce((sum, one) => sum + one.count, 0);
    const waitingCount = rows.filter((row) => row.pool === pool.name).length;
    room.set(pool.name, pool.machineCountMax - (present.get(pool.name) ?? 0) + parkedCount - waitingCount);
  }
  return room;
}
