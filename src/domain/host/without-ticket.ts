/**
 * What a machine without a ticket does: clears what the last job left, makes a root for the next, and ends when it was
 * asked to, or when nobody is there to ask. Each only when two looks in a row show nothing of a runner.
 */
import { backoffMs } from "../backoff.ts";
import { invariant } from "../invariant.ts";
import { MINUTE_MS, SECOND_MS } from "../units.ts";
import { SILENT_FOR_MS } from "./dead-man.ts";
import {
  canHaveNext,
  GONE_LOOKS_APART_MS,
  type HostState,
  type HostStep,
  isCutOff,
  LEAVE_PATIENCE_MS,
  nothingMore,
  type Place,
} from "./state.ts";

/** For cleaning and preparing that failed: the machine cannot be parked before they succeed. */
const PLACE_BACKOFF = { firstMs: SECOND_MS, limitMs: MINUTE_MS };

/** @param state with the look's processes already in it. */
export function restWithoutTicket(state: HostState, atMs: number): HostStep {
  invariant(state.held === null, "no ticket is held");
  const isQuiet = state.goneSinceMs !== null && atMs - state.goneSinceMs >= GONE_LOOKS_APART_MS;
  if (!isQuiet || state.isOver) return nothingMore(state);
  if (state.isLeaving) return leave({ ...state, idleLeavingSinceMs: state.idleLeavingSinceMs ?? atMs }, atMs);
  if (isCutOff(state, SILENT_FOR_MS)) return { state: { ...state, isOver: true }, effects: [{ kind: "power-off" }] };
  return tendPlace(state, atMs);
}

function leave(state: HostState, atMs: number): HostStep {
  const { kind } = state.place;
  if (kind === "cleaning" || kind === "preparing") return nothingMore(state);
  const isPatient = atMs - (state.idleLeavingSinceMs ?? atMs) < LEAVE_PATIENCE_MS;
  const isDone = state.isLeaveHeard && kind !== "unclean";
  if (isDone || !isPatient) return { state: { ...state, isOver: true }, effects: [{ kind: "finish" }] };
  return tendPlace(state, atMs);
}

function tendPlace(state: HostState, atMs: number): HostStep {
  const { place } = state;
  if (place.kind !== "unclean" && place.kind !== "clean") return nothingMore(state);
  if (place.kind === "clean" && !canHaveNext(state)) return nothingMore(state);
  if (place.failureCount > 0 && place.notBeforeMs === null) {
    const notBeforeMs = atMs + backoffMs(PLACE_BACKOFF, place.failureCount, 0);
    return nothingMore({ ...state, place: { ...place, notBeforeMs } });
  }
  if (place.notBeforeMs !== null && atMs < place.notBeforeMs) return nothingMore(state);
  const { failureCount } = place;
  if (place.kind === "unclean")
    return { state: { ...state, place: { kind: "cleaning", failureCount } }, effects: [{ kind: "clean" }] };
  return prepare(state, failureCount);
}

function prepare(state: HostState, failureCount: number): HostStep {
  return { state: { ...state, place: { kind: "preparing", failureCount } }, effects: [{ kind: "prepare-root" }] };
}

export function noteCleaned(state: HostState): HostStep {
  if (state.place.kind !== "cleaning") return nothingMore(state);
  const cleaned: HostState = { ...state, place: { kind: "clean", failureCount: 0, notBeforeMs: null } };
  return canHaveNext(cleaned) ? prepare(cleaned, 0) : nothingMore(cleaned);
}

export function notePrepared(state: HostState): HostStep {
  if (state.place.kind !== "preparing") return nothingMore(state);
  return nothingMore({ ...state, place: { kind: "ready" } });
}

export function notePlaceFailed(state: HostState): HostStep {
  const { place } = state;
  if (place.kind !== "cleaning" && place.kind !== "preparing") return nothingMore(state);
  const next: Place = {
    kind: place.kind === "cleaning" ? "unclean" : "clean",
    failureCount: place.failureCount + 1,
    notBeforeMs: null,
  };
  return nothingMore({ ...state, place: next });
}
