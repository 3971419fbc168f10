/**
 * Which of the members that a hook holds up may run a job. That is the rows' word: until the provider was asked to end one, by
 * a permit, it may, and from then on it may where its host says so.
 */
import { HoldfastError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { isDeparting, isShownAtHook } from "../../domain/membership.ts";
import { isTicketOut } from "../../domain/ticket.ts";
import { isPast } from "../../domain/time.ts";
import { AGENT_FRESH_MS } from "../../domain/verdict.ts";
import { loadMachines } from "../../store/machines/load.ts";
import { listTicketsOfMachines } from "../../store/tickets/list.ts";
import { heardTime, type PoolContext } from "../context.ts";
import type { HeldUpMember } from "./held-up.ts";

export async function findToHold(
  context: PoolContext,
  candidates: readonly HeldUpMember[],
): Promise<readonly HeldUpMember[]> {
  const rows = await readRows(context, candidates);
  return candidates.filter((one) => (rows === null ? isHeldUnread(context, one) : mayRunJob(context, one, rows)));
}

interface Rows {
  readonly machines: ReadonlyMap<MachineId, Machine>;
  /** Those that retire and have a ticket out. */
  readonly retiringWithTicket: ReadonlySet<MachineId>;
}

/** Null where the store cannot be read. */
async function readRows(
  { store, telemetry, pool }: PoolContext,
  candidates: readonly HeldUpMember[],
): Promise<Rows | null> {
  try {
    const ids = candidates.map(({ machineId }) => machineId);
    const machines = await loadMachines(store.db, ids);
    const retiring = [...machines.values()].filter(({ state }) => state.kind === "retiring");
    const tickets = await listTicketsOfMachines(
      store.db,
      retiring.map(({ id }) => id),
    );
    return { machines, retiringWithTicket: new Set(tickets.filter(isTicketOut).map(({ machineId }) => machineId)) };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "store-unavailable") throw error;
    telemetry.error("the store cannot be read: a group is made to wait for all that its hooks hold up", error, {
      pool: pool.name,
    });
    return null;
  }
}

/** Then nobody knows of any that it is idle, and letting go would end a job. A pool that observes holds nobody else's. */
function isHeldUnread({ memory, pool }: PoolContext, { machineId, membership }: HeldUpMember): boolean {
  if (memory.holds.has(machineId)) return true;
  return pool.mode !== "observe" && (isDeparting(membership) || isShownAtHook(membership));
}

/**
 * Without a row nobody knows, so it may. Where nothing of ours would end it once it is idle, it may only where a ticket is out
 * to it: where its group does not want to end it, where its row is of a pool that it was moved from, and in a pool that
 * observes. There it must have spoken, too: others' runners are there whose tickets nobody knows.
 */
function mayRunJob(
  context: PoolContext,
  { machineId, membership }: HeldUpMember,
  { machines, retiringWithTicket }: Rows,
): boolean {
  const row = machines.get(machineId);
  const { pool } = context;
  const isObserved = pool.mode === "observe";
  if (row === undefined) return isDeparting(membership) && !isObserved;
  const isEndedOnceIdle = isDeparting(membership) && !isObserved && row.pool === pool.name;
  const hasTicketOut = row.state.kind === "engaged" || retiringWithTicket.has(machineId);
  if (row.state.kind === "gone" || !(isEndedOnceIdle || hasTicketOut)) return false;
  if (isObserved && row.incarnation === null) return false;
  if (row.state.kind !== "retiring") return true;
  return row.state.stage !== "confirming" || saysBusy(context, row);
}

/** It was to end as lost, and came back with its ticket before the call took: no permit is issued for it any more. */
function saysBusy(context: PoolContext, { id, report }: Machine): boolean {
  const heardAtMs = context.hearing.heardAtMs(id);
  const isFresh = heardAtMs !== null && !isPast(heardAtMs, AGENT_FRESH_MS, heardTime(context));
  return isFresh && (report?.ticket ?? null) !== null;
}
