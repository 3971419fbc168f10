/** What the agent says of its state, and what follows from it for its calls. Pure. */
import { type HostPhase, type HostReport, REPORTED_ENDS_MAX, type Sighting } from "../protocol.ts";
import { SECOND_MS } from "../units.ts";
import { isInService } from "./group-word.ts";
import { type HostState, isEnding, journalOf, mayTakeNow, seesNoRunner, TICKETS_PER_LIFE_MAX } from "./state.ts";
import { stillnessOf } from "./stillness.ts";

const LOOK_INTERVAL_MS = SECOND_MS / 2;
/** While its root waits for a ticket, when nothing of a runner can be there. */
const IDLE_LOOK_INTERVAL_MS = 5 * SECOND_MS;

export function phaseOf(state: HostState): HostPhase {
  if (state.journal === null || !state.isLookedAt) return "starting";
  if (isEnding(state) || state.isOver) return "leaving";
  if (state.held !== null) return "engaged";
  if (state.isRetiring) return "leaving";
  return state.place.kind === "ready" && isInService(state.service) ? "parked" : "preparing";
}

/** While starting it says nothing about tickets. */
export function reportOf(state: HostState): HostReport {
  const phase = phaseOf(state);
  const sighting = sightingOf(state);
  if (phase === "starting") return { phase, ticket: null, ended: [], sighting, fence: null, stillness: null };
  const fence = state.held?.fence.refusal ?? null;
  const ticket = state.held === null ? null : { id: state.held.id, step: state.held.step };
  const ended = state.unconfirmed.slice(0, REPORTED_ENDS_MAX);
  return { phase, ticket, ended, sighting, fence, stillness: stillnessOf(state.held) };
}

/** A Worker that is seen is seen, whatever else cannot be read. */
function sightingOf(state: HostState): Sighting {
  if (state.unreadableJournal !== null) return { kind: "unknown", why: state.unreadableJournal };
  const { processes } = state;
  if (processes === null) return { kind: "unknown", why: "not looked yet" };
  if (processes.kind === "unknown") return processes;
  if (processes.workerCount === 0 && state.unreadableFiles !== null)
    return { kind: "unknown", why: state.unreadableFiles };
  return { kind: "seen", hasListener: processes.listenerCount > 0, workerCount: processes.workerCount };
}

/** Whether the agent asks for a ticket: parked, and the controller has answered to what it said of earlier tickets. */
export function isPolling(state: HostState): boolean {
  return phaseOf(state) === "parked" && canTakeTicket(state);
}

export function canTakeTicket(state: HostState): boolean {
  if (!mayTakeNow(state) || state.held !== null || state.place.kind !== "ready" || !state.isAccounted) return false;
  const hasRoom = journalOf(state).tickets.size < TICKETS_PER_LIFE_MAX && state.unconfirmed.length < REPORTED_ENDS_MAX;
  return hasRoom && seesNoRunner(state);
}

export function lookIntervalMs(state: HostState): number {
  const phase = phaseOf(state);
  const isAtRest = phase === "parked" || (phase === "preparing" && state.place.kind === "ready");
  return isAtRest ? IDLE_LOOK_INTERVAL_MS : LOOK_INTERVAL_MS;
}
