/**
 * The dead man's switch: a machine that nobody can reach and that holds no ticket ends itself; one that holds a ticket
 * without a job hands it back first, through its fence. Unreachable means that no call got an HTTP answer of any status: a
 * refusal is an answer. Under an operator's pin it is off: who pinned the machine knows that it may be cut off.
 */
import { MINUTE_MS } from "../units.ts";

const SILENT_TRIES_MIN = 30;
export const SILENT_FOR_MS = 15 * MINUTE_MS;
/** With a ticket out it is waited longer: a job may still come. */
export const TICKET_SILENT_FOR_MS = 60 * MINUTE_MS;
/** Between two tries there was no gap longer than this: while the machine slept it could not have heard. */
const SILENT_GAP_MAX_MS = 2 * MINUTE_MS;

/** Calls in a row without an answer. Times are monotonic. */
export interface Silence {
  readonly tryCount: number;
  readonly sinceMs: number | null;
  readonly lastMs: number | null;
}

export const NO_SILENCE: Silence = { tryCount: 0, sinceMs: null, lastMs: null };

export function noteExchange(silence: Silence, isAnswered: boolean, atMs: number): Silence {
  if (isAnswered) return NO_SILENCE;
  const isGap = silence.lastMs !== null && atMs - silence.lastMs > SILENT_GAP_MAX_MS;
  if (silence.sinceMs === null || isGap) return { tryCount: 1, sinceMs: atMs, lastMs: atMs };
  return { ...silence, tryCount: silence.tryCount + 1, lastMs: atMs };
}

/** Only over time in which it tried: what counts is the last try, not the present moment. */
export function isUnreachable(silence: Silence, forMs: number): boolean {
  if (silence.sinceMs === null || silence.lastMs === null) return false;
  return silence.tryCount >= SILENT_TRIES_MIN && silence.lastMs - silence.sinceMs >= forMs;
}
