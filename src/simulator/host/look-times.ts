/**
 * When the agent looks. A real one looks each half second, or each five while parked; of these the model leaves out those at
 * which nothing is new and no deadline of the state machine falls due.
 */
import { type HostState, JOBLESS_FOR_MS } from "../../domain/host/state.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";

/** Between two looks of a real agent. */
export const LOOK_INTERVAL_MS = SECOND_MS / 2;
/** While nothing changes: a ticket's job is sampled as often. */
const STEADY_MS = 15 * SECOND_MS;
const PARKED_STEADY_MS = MINUTE_MS;
/** Looks after a change of the processes or of the state. */
const AFTER_CHANGE_MS = [500, 1_000, 3_000] as const;

export function nextLookMs(state: HostState, changedAtMs: number, nowMs: number): number {
  if (isRestless(state)) return nowMs + LOOK_INTERVAL_MS;
  const again = AFTER_CHANGE_MS.map((afterMs) => changedAtMs + afterMs).find((atMs) => atMs > nowMs);
  const steadyMs = nowMs + (state.held === null ? PARKED_STEADY_MS : STEADY_MS);
  const dueMs = deadlinesOf(state).filter((atMs) => atMs > nowMs);
  return Math.min(again ?? steadyMs, steadyMs, ...dueMs);
}

/** Something is waited for in looks. */
function isRestless(state: HostState): boolean {
  const { held, place } = state;
  if (state.isOver || state.unreadableJournal !== null) return false;
  if (state.isLeaving || (state.isWantedBack && held !== null)) return true;
  if (held === null) {
    const isPlaceOpen =
      place.kind === "unclean" || (place.kind === "clean" && !state.isRetiring && state.service !== "ending");
    return isPlaceOpen && place.notBeforeMs === null;
  }
  const { phase, order, foreignSinceMs } = held.fence;
  const isFencing = phase.kind === "killed" || phase.kind === "inherited" || order !== null || foreignSinceMs !== null;
  return isFencing || state.goneSinceMs !== null || held.run.kind === "starting";
}

function deadlinesOf({ held, place }: HostState): readonly number[] {
  const { idleSinceMs = null, notBeforeMs = null } = held?.fence ?? {};
  const placeMs = place.kind === "unclean" || place.kind === "clean" ? place.notBeforeMs : null;
  const joblessMs = idleSinceMs === null ? null : idleSinceMs + JOBLESS_FOR_MS;
  return [notBeforeMs, placeMs, joblessMs].filter((atMs) => atMs !== null);
}

/** What the next looks could act on. */
export function isNewsToLooks(before: HostState, state: HostState): boolean {
  return (
    before.held?.step !== state.held?.step ||
    before.held?.run !== state.held?.run ||
    before.held?.id !== state.held?.id ||
    before.held?.fence.phase !== state.held?.fence.phase ||
    before.held?.fence.order !== state.held?.fence.order ||
    before.place.kind !== state.place.kind ||
    before.isLeaving !== state.isLeaving ||
    before.isWantedBack !== state.isWantedBack ||
    before.service !== state.service ||
    before.isRetiring !== state.isRetiring
  );
}
