/**
 * Since when nothing of the held ticket's job has moved, sample by sample: the host's half of the proof that a job whose end
 * GitHub has long since told may be ended where it hangs.
 *
 * A stretch counts only if it was seen as a whole. A gap between two samples, one that could not be read, a process that
 * came or went, and a takeover by another agent start it anew. What is unknown is not still.
 */
import { STILL_FOR_MS, type Stillness } from "../protocol.ts";
import { MINUTE_MS, SECOND_MS } from "../units.ts";
import type { FilesSight, Look } from "./look.ts";
import { doubtAbout } from "./runner-log.ts";
import { type HeldTicket, type HostInput, type HostState, type HostStep, nothingMore } from "./state.ts";
import type { Saving, StillnessTrack, Unchanged } from "./stillness-track.ts";

/** Every process of the machine is read in full for it. */
const SAMPLE_INTERVAL_MS = 15 * SECOND_MS;
/** Longer than sending logs holds anything up; a machine that stood still for longer was not seen. */
export const SAMPLE_GAP_MAX_MS = MINUTE_MS;
/** Between two tries to save the logs, and how often it is tried: longer than a controller is away for an upgrade. */
const SAVE_PAUSE_MS = 2 * MINUTE_MS;
export const SAVE_TRIES_MAX = 100;

/** Whether the next look is to show what moves: only where there is a job, and not at each. */
export function isSampleDue(held: HeldTicket | null, atMs: number): boolean {
  if (held === null || held.step !== "running") return false;
  const { sampledAtMs } = held.stillness;
  return sampledAtMs === null || atMs - sampledAtMs >= SAMPLE_INTERVAL_MS;
}

/** Null where there is no job that could stand still. */
export function stillnessOf(held: HeldTicket | null): Stillness | null {
  if (held === null || held.step !== "running") return null;
  const { stillness } = held;
  return {
    isLeaseOld: isLeaseOld(stillness),
    isWorkerStill: isLong(stillness.motion, stillness.sampledAtMs),
    areLogsSaved: stillness.saving.kind === "saved",
  };
}

/** @param state with the look's progress already in it. */
export function tendStillness(
  state: HostState,
  held: HeldTicket,
  look: Look,
  files: FilesSight,
  atMs: number,
): HostStep {
  if (look.motion === null || held.step !== "running") return nothingMore(state);
  const before = held.stillness;
  const { sampledAtMs } = before;
  const isGap = sampledAtMs === null || atMs - sampledAtMs > SAMPLE_GAP_MAX_MS;
  const { processes, motion } = look;
  const sampled: StillnessTrack = {
    ...before,
    sampledAtMs: atMs,
    isListenerGone: processes.kind === "seen" && processes.listenerCount === 0,
    renewals: follow(isGap ? null : before.renewals, renewalsIn(files), atMs),
    motion: follow(isGap ? null : before.motion, motion.kind === "seen" ? motion.trace : null, atMs),
  };
  return save({ ...state, held: { ...held, stillness: sampled } }, held, sampled, atMs);
}

/** Once for each time that it became still, and again where the controller did not take them. */
function save(state: HostState, held: HeldTicket, track: StillnessTrack, atMs: number): HostStep {
  const isStill = isLeaseOld(track) && isLong(track.motion, track.sampledAtMs);
  if (!isStill) return nothingMore(withSaving(state, held, track, { kind: "none" }));
  const { saving } = track;
  const tryCount = saving.kind === "not-taken" ? saving.tryCount : 0;
  const isAgain = saving.kind === "not-taken" && tryCount < SAVE_TRIES_MAX && atMs - saving.atMs >= SAVE_PAUSE_MS;
  if (saving.kind !== "none" && !isAgain) return nothingMore(state);
  return {
    state: withSaving(state, held, track, { kind: "asked", tryCount: tryCount + 1 }),
    effects: [{ kind: "send-logs", ticketId: held.id }],
  };
}

export function noteLogsSent(state: HostState, input: HostInput & { kind: "logs-sent" }): HostState {
  const { held } = state;
  if (held?.id !== input.ticketId || held.stillness.saving.kind !== "asked") return state;
  const { tryCount } = held.stillness.saving;
  const saving: Saving = input.isTaken ? { kind: "saved" } : { kind: "not-taken", tryCount, atMs: input.atMs };
  return withSaving(state, held, held.stillness, saving);
}

function withSaving(state: HostState, held: HeldTicket, track: StillnessTrack, saving: Saving): HostState {
  return { ...state, held: { ...held, stillness: { ...track, saving } } };
}

/** Null where nothing can be concluded from them: a log in which no renewal was ever recognised says nothing of any. */
function renewalsIn({ facts, unreadable, isComplete }: FilesSight): number | null {
  const isReadable = unreadable === null && isComplete && doubtAbout(facts) === null;
  return isReadable && facts.renewalCount > 0 ? facts.renewalCount : null;
}

function follow<Value>(before: Unchanged<Value> | null, value: Value | null, atMs: number): Unchanged<Value> | null {
  if (value === null) return null;
  return before?.value === value ? before : { value, sinceMs: atMs };
}

function isLeaseOld({ isListenerGone, renewals, sampledAtMs }: StillnessTrack): boolean {
  return isListenerGone || isLong(renewals, sampledAtMs);
}

/** Up to the latest sample, not to the present moment. */
function isLong(unchanged: Unchanged<unknown> | null, sampledAtMs: number | null): boolean {
  return unchanged !== null && sampledAtMs !== null && sampledAtMs - unchanged.sinceMs >= STILL_FOR_MS;
}
