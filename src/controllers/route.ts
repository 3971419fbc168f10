/**
 * Decides again, for every waiting job without a ticket, which pool it belongs to: the first that can start a machine now.
 * Only jobs that more than one pool could serve ever move.
 */

import type { JobId, PoolName } from "../domain/ids.ts";
import { rankPools, routeJob } from "../domain/pool.ts";
import { isTicketOut, type TicketStateKind } from "../domain/ticket.ts";
import { listDrainedPools } from "../store/drains.ts";
import { recordDecision } from "../store/evidence/decisions.ts";
import { listQueuedAndUnroutedJobs } from "../store/jobs/list.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { saveJob } from "../store/jobs/save.ts";
import { countMachinesByPoolAndState, countPresentByPool } from "../store/machines/count.ts";
import { jobSubject } from "../store/subjects.ts";
import { listLiveTicketsOfPool, listTicketsOfJob } from "../store/tickets/list.ts";
import type { Standstill, Surroundings } from "./context.ts";

const JOBS_MAX = 2_000;

export async function routeWaitingJobs(context: Surroundings): Promise<void> {
  const rows = await listQueuedAndUnroutedJobs(context.store.db, JOBS_MAX);
  const movable: JobRow[] = [];
  for (const row of rows) if (isMovable(context, row) && !(await hasTicket(context, row))) movable.push(row);
  if (movable.length === 0) return;
  const room = await readRoom(context, rows, new Set(movable.map((row) => row.job.id)));
  const drained = await listDrainedPools(context.store.db);
  for (const row of movable) {
    const pool = routeJob(context.pools, row.job, roomFor(context, row, room), drained);
    if (pool !== null) take(room, pool);
    if (pool === row.pool) continue;
    await saveJob(context.store.db, { ...row, pool }, row.version, context.clock.nowMs());
    if (pool === null) await noteNoPool(context, row);
    else context.wake.controller("assign", pool);
  }
}

/**
 * A ticket that may still bring this job. One that runs has another, or GitHub's word for it is on its way; one that is
 * asked back may be so for hours. Whichever pool comes next asks GitHub before it makes another.
 */
const AWAITED: readonly TicketStateKind[] = ["minting", "issued", "delivered", "online", "unknown"];

async function hasTicket({ store }: Surroundings, { job }: JobRow): Promise<boolean> {
  const tickets = await listTicketsOfJob(store.db, job.id, job.connection);
  return tickets.some(({ state }) => AWAITED.includes(state.kind));
}

/** Its pool does not fit any more, or is not the only one that does. */
function isMovable(context: Surroundings, row: JobRow): boolean {
  const names = rankPools(context.pools, row.job).map((pool) => pool.name);
  if (row.pool === null) return names.length > 0;
  return names.length > 1 || names[0] !== row.pool;
}

/**
 * Machines that each pool could still start or has for a waiting job, less the jobs that already count on them. A job
 * whose ticket has left us has its machine among the engaged ones; those that may move are placed one by one, oldest first.
 */
async function readRoom(
  context: Surroundings,
  rows: readonly JobRow[],
  movable: ReadonlySet<JobId>,
): Promise<Map<PoolName, Room>> {
  const { db } = context.store;
  const present = await countPresentByPool(db);
  const counts = await countMachinesByPoolAndState(db);
  const room = new Map<PoolName, Room>();
  for (const pool of context.pools) {
    // A machine that still starts for a job counts like a parked one: else the job would move on to the next pool.
    const usable = counts.filter((one) => one.pool === pool.name && USABLE_STATES.includes(one.state));
    const usableCount = usable.reduce((sum, one) => sum + one.count, 0);
    const tickets = await listLiveTicketsOfPool(db, pool.name);
    const served = new Set(tickets.filter(isTicketOut).map((ticket) => ticket.jobId));
    const waiting = rows.filter(
      ({ pool: name, job }) => name === pool.name && !served.has(job.id) && !movable.has(job.id),
    );
    const startableCount = Math.max(0, pool.machineCountMax - (present.get(pool.name) ?? 0));
    room.set(pool.name, { startableCount, usableCount: usableCount - waiting.length, takenCount: waiting.length });
  }
  return room;
}

interface Room {
  /** Machines that may still be started. */
  readonly startableCount: number;
  /** Machines that are there for a job, less the jobs that count on them; below zero where they will need new ones. */
  readonly usableCount: number;
  /** Jobs that are placed there and wait. */
  readonly takenCount: number;
}

/** What each pool can do for this job now. */
function roomFor(
  { pools, standstill }: Surroundings,
  { job }: JobRow,
  room: ReadonlyMap<PoolName, Room>,
): ReadonlyMap<PoolName, number> {
  return new Map(
    pools.map((pool) => {
      return [pool.name, roomUnder(standstill(pool, job.repository), room.get(pool.name) ?? NO_ROOM)];
    }),
  );
}

function roomUnder(still: Standstill, { startableCount, usableCount, takenCount }: Room): number {
  switch (still) {
    case "none":
      return startableCount + usableCount;
    case "launches":
      return usableCount;
    case "launches-but-one":
      return usableCount + Math.min(1, startableCount);
    case "everything":
      return 0;
    case "everything-but-one":
      return takenCount > 0 ? 0 : Math.min(1, startableCount + usableCount);
  }
}

const NO_ROOM: Room = { startableCount: 0, usableCount: 0, takenCount: 0 };

function take(room: Map<PoolName, Room>, pool: PoolName): void {
  const { startableCount, usableCount, takenCount } = room.get(pool) ?? NO_ROOM;
  room.set(pool, { startableCount, usableCount: usableCount - 1, takenCount: takenCount + 1 });
}

const USABLE_STATES: readonly string[] = ["parked", "provisioning", "planned", "stopped"];

async function noteNoPool(context: Surroundings, { job }: JobRow): Promise<void> {
  const subject = jobSubject(job.connection, job.id);
  const decidedAtMs = context.clock.nowMs();
  await recordDecision(context.store.db, { subject, action: "wait", reason: "no-pool", decidedAtMs });
}
