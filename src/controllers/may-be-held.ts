/**
 * Whether the registration of a ticket that is over by our rows may be in use all the same. Our rows may be a backup of what
 * was: a ticket that they say never left us may run a job, and the deletion of its registration would cancel it.
 */
import type { Ticket } from "../domain/ticket.ts";
import { isPast } from "../domain/time.ts";
import { loadMachine } from "../store/machines/load.ts";
import { heardTime, type PoolContext } from "./context.ts";

export async function mayBeHeld(context: PoolContext, ticket: Ticket): Promise<boolean> {
  const machine = await loadMachine(context.store.db, ticket.machineId);
  if (machine === null) return false;
  const { lostHostMs } = context.pool.deadlines;
  const time = heardTime(context);
  const { report, state } = machine;
  const heardAtMs = context.hearing.heardAtMs(machine.id);
  const isNamed = report?.ticket?.id === ticket.id;
  // A host that speaks after the provider called it gone is there: all that was heard before was forgotten then.
  if (state.kind === "gone" && isNamed && !isPast(heardAtMs ?? 0, lostHostMs, time)) return heardAtMs !== null;
  if (state.kind === "gone" && state.providerId !== null) return false;
  if (isNamed) return true;
  const hasSpoken = heardAtMs !== null && report !== null && report.phase !== "starting";
  // What was made since we run, and could hear, is as our rows say.
  if (ticket.state.kind !== "void" || ticket.createdAtMs >= context.heardSinceMs()) return false;
  return !hasSpoken && !isPast(0, lostHostMs, time);
}

/**
 * Our store knows it from its host alone, which may name another's: only GitHub says then that nothing uses it. A ticket
 * that we minted has a number before it leaves us.
 */
export function isKnownByHostOnly({ runnerId, state }: Ticket): boolean {
  return runnerId === null && state.kind !== "void";
}
