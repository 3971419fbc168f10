/**
 * Decides again, for every waiting job without a ticket, which pool it belongs to: the first that can start a machine now.
 * Only jobs that more than one pool could serve ever move.
 */

import type { PoolName } from "../domain/ids.ts";
import { rankPools, routeJob } from "../domain/pool.ts";
import { isTicketLive } from "../domain/ticket.ts";
import { recordDecision } from "../store/evidence/decisions.ts";
import { listQueuedAndUnroutedJobs } from "../store/jobs/list.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { saveJob } from "../store/jobs/save.ts";
import { countMachinesByPoolAndState, countPresentByPool } from "../store/machines/count.ts";
import { jobSubject } from "../store/subjects.ts";
import { listTicketsOfJob } from "../store/tickets/list.ts";
import type { Surroundings } from "./context.ts";

const JOBS_MAX = 2_000;

export async function routeWaitingJobs(context: Surroundings): Promise<void> {
  const rows = await listQueuedAndUnroutedJobs(context.store.db, JOBS_MAX);
  const movable = rows.filter((row) => isMovable(context, row));
  if (movable.length === 0) return;
  const room = await readRoom(context, rows);
  for (const row of movable) {
    const tickets = await listTicketsOfJob(context.store.db, row.job.id, row.job.connection);
    if (tickets.some(isTicketLive)) continue;
    if (row.pool !== null) room.set(row.pool, (room.get(row.pool) ?? 0) + 1);
    const pool = routeJob(context.pools, row.job, room);
    if (pool !== null) room.set(pool, (room.get(pool) ?? 0) - 1);
    if (pool === row.pool) continue;
    await saveJob(context.store.db, { ...row, pool }, row.version, context.clock.nowMs());
    if (pool === null) await noteNoPool(context, row);
    else context.wake.controller("assign", pool);
  }
}

/** Its pool does not fit any more, or is not the only one that does. */
function isMovable(context: Surroundings, row: JobRow): boolean {
  const names = rankPools(context.pools, row.job).map((pool) => pool.name);
  if (row.pool === null) return names.length > 0;
  return names.length > 1 || names[0] !== row.pool;
}

/** Machines that each pool could still start or has parked, less the jobs that already count on them. */
async function readRoom(context: Surroundings, rows: readonly JobRow[]): Promise<Map<PoolName, number>> {
  const present = await countPresentByPool(context.store.db);
  const free = await countMachinesByPoolAndState(context.store.db);
  const room = new Map<PoolName, number>();
  for (const pool of context.pools) {
    // A machine that still starts for a job counts like a parked one: else the job would move on to the next pool.
    const waitingFor: readonly string[] = ["parked", "provisioning", "planned"];
    const usable = free.filter((count) => count.pool === pool.name && waitingFor.includes(count.state));
    const parkedCount = usable.reduce((sum, one) => sum + one.count, 0);
    const waitingCount = rows.filter((row) => row.pool === pool.name).length;
    room.set(pool.name, pool.machineCountMax - (present.get(pool.name) ?? 0) + parkedCount - waitingCount);
  }
  return room;
}

async function noteNoPool(context: Surroundings, { job }: JobRow): Promise<void> {
  const subject = jobSubject(job.connection, job.id);
  const decidedAtMs = context.clock.nowMs();
  await recordDecision(context.store.db, { subject, action: "wait", reason: "no-pool", decidedAtMs });
}
