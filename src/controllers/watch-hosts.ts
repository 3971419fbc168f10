/**
 * Asks GitHub about the runners of hosts that are silent, again and again: a host counts as lost only if every reading of
 * half an hour says offline or absent. A reading that failed is none.
 */
import type { TicketId } from "../domain/ids.ts";
import type { ObservedRunner } from "../domain/observed.ts";
import { READING_APART_MAX_MS, type RunnerReading, SILENT_AFTER_MS } from "../domain/slow-proofs.ts";
import { isTicketOut, type Ticket } from "../domain/ticket.ts";
import { isPast } from "../domain/time.ts";
import { SECOND_MS } from "../domain/units.ts";
import { listLiveTicketsOfPool } from "../store/tickets/list.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { settleAll } from "./settle.ts";

export const WATCH_HOSTS_PERIOD_MS = 30 * SECOND_MS;
/** A runner is read again after so long: two readings in the time within which two count as next to each other. */
const READ_AGAIN_MS = READING_APART_MAX_MS / 2 - WATCH_HOSTS_PERIOD_MS;
/** One call each; the longest unread first. */
const READINGS_PER_PASS_MAX = 30;

export async function watchHosts(context: PoolContext): Promise<void> {
  if (context.lease() === null || context.pool.mode === "observe") return;
  const live = await listLiveTicketsOfPool(context.store.db, context.pool.name);
  const tickets = live.filter((ticket) => isTicketOut(ticket) && ticket.registration !== "none");
  forgetOthers(context, new Set(tickets.map(({ id }) => id)));
  const due = tickets
    .filter((ticket) => isDue(context, ticket))
    .sort((a, b) => readAtMs(context, a) - readAtMs(context, b));
  await settleAll(due.slice(0, READINGS_PER_PASS_MAX).map((ticket) => read(context, ticket)));
}

function forgetOthers({ memory }: PoolContext, out: ReadonlySet<TicketId>): void {
  for (const id of memory.runnerReadings.keys()) if (!out.has(id)) memory.runnerReadings.delete(id);
}

function readAtMs({ memory }: PoolContext, { id }: Ticket): number {
  return memory.runnerReadings.get(id)?.readAtMs ?? 0;
}

function isDue(context: PoolContext, ticket: Ticket): boolean {
  const isSilent = isPast(context.hearing.heardAtMs(ticket.machineId) ?? 0, SILENT_AFTER_MS, heardTime(context));
  return isSilent && context.clock.nowMs() - readAtMs(context, ticket) >= READ_AGAIN_MS;
}

async function read(context: PoolContext, ticket: Ticket): Promise<void> {
  const found = await context.github.findRunner(ticket.scope, ticket.runnerName);
  if (found.kind === "unknown") return;
  const { runnerReadings } = context.memory;
  const runner = found.kind === "present" ? found.value : null;
  runnerReadings.set(ticket.id, joinReading(runnerReadings.get(ticket.id) ?? null, runner, context.clock.nowMs()));
}

/** Two readings too far apart are not next to each other: what was between them nobody knows. */
function joinReading(before: RunnerReading | null, runner: ObservedRunner | null, nowMs: number): RunnerReading {
  const isNext = before !== null && nowMs - before.readAtMs <= READING_APART_MAX_MS && nowMs >= before.readAtMs;
  const isAway = runner === null || (!runner.isOnline && !runner.isBusy);
  const sinceMs = isNext ? (before.awaySinceMs ?? nowMs) : nowMs;
  // Of a runner that is absent nobody can say any more whether it ever connected.
  const wasConnected = before?.wasConnected === true || runner === null || runner.version !== null;
  return { awaySinceMs: isAway ? sinceMs : null, readAtMs: nowMs, wasConnected };
}
