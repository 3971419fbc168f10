/**
 * The held ticket, look by look: how far it is, and whether its runner is gone for good.
 *
 * A ticket ends only when neither a listener nor a Worker is left, seen in two looks with nothing else between them. It is
 * spent if a Worker was ever seen or the log says that a job completed, handed back if the fence killed it, and barren
 * otherwise.
 */
import { invariant } from "../invariant.ts";
import { TICKET_STEPS, type TicketEnd, type TicketStep } from "../ticket.ts";
import { tendFence } from "./fence.ts";
import type { FilesSight, Look } from "./look.ts";
import { hasOpenMessage, NO_FACTS } from "./runner-log.ts";
import {
  andThen,
  END_WAIT_MS,
  GONE_LOOKS_APART_MS,
  type HeldTicket,
  type HostState,
  type HostStep,
  isGivingBack,
  nothingMore,
  RETRY_PAUSE_MS,
  RETRY_RESTARTS_MAX,
  TAKEN_OVER_LOOKS_APART_MS,
  UPDATE_RESTARTS_MAX,
  UPDATE_WAIT_MS,
  writeEntry,
} from "./state.ts";
import { tendStillness } from "./stillness.ts";

/** Exit codes of the runner's listener (Constants.cs of actions/runner). */
const RETRYABLE_CODE = 2;
const UPDATE_CODES: ReadonlySet<number> = new Set([3, 4]);

const NO_FILES: FilesSight = {
  facts: NO_FACTS,
  isComplete: false,
  isLineOpen: false,
  byteCount: 0,
  unreadable: "not read",
  isUpdateFinished: false,
};

type Verdict =
  | { readonly kind: "wait" }
  | { readonly kind: "end"; readonly end: TicketEnd }
  | { readonly kind: "start-again"; readonly held: HeldTicket };

/** @param state with the look's processes already in it. */
export function followTicket(state: HostState, look: Look, atMs: number): HostStep {
  const files = look.files ?? NO_FILES;
  const known = andThen(noteListener(state, look), (named) => noteProgress(named, look, files));
  const followed = andThen(known, (noted) => tendStillness(noted, heldOf(noted), look, files, atMs));
  const tended = andThen(followed, (noted) => tendFence(noted, heldOf(noted), look, files, atMs));
  return andThen(tended, (noted) => {
    const held = heldOf(noted);
    if (!isGone(noted, held, atMs)) return nothingMore(noted);
    const verdict = judgeGone(noted, held, files, atMs);
    switch (verdict.kind) {
      case "wait":
        return nothingMore(noted);
      case "start-again":
        return startRunner({ ...noted, held: verdict.held });
      case "end":
        return endTicket(noted, held, verdict.end);
    }
  });
}

/** Asks for the held ticket's runner; until the answer no look says that it is gone. */
export function startRunner(state: HostState): HostStep {
  const held = heldOf(state);
  invariant(held.offer !== null, "a runner is started with the secret of its ticket");
  return {
    state: { ...state, held: { ...held, run: { kind: "starting" } }, goneSinceMs: null },
    effects: [{ kind: "start-runner", ticket: held.offer }],
  };
}

function heldOf(state: HostState): HeldTicket {
  invariant(state.held !== null, "a ticket is held");
  return state.held;
}

/**
 * An earlier agent may have died after it started the listener and before it wrote down which one. It is written now: without
 * it nothing could ever be stopped, and so nothing handed back.
 */
function noteListener(state: HostState, { listener }: Look): HostStep {
  const held = heldOf(state);
  const { run } = held;
  if (listener === null || run.kind !== "taken-over") return nothingMore(state);
  const isNamed = run.process?.pid === listener.pid && run.process.startTime === listener.startTime;
  if (isNamed) return nothingMore(state);
  const named = { ...state, held: { ...held, run: { ...run, process: listener } } };
  return writeEntry(named, { kind: "started", ticketId: held.id, ...listener });
}

function noteProgress(state: HostState, look: Look, files: FilesSight): HostStep {
  const held = heldOf(state);
  const isWorkerThere = look.processes.kind === "seen" && look.processes.workerCount > 0;
  const isNews = isWorkerThere && !held.isWorkerSeen;
  const written = isNews ? writeEntry(state, { kind: "worker-seen", ticketId: held.id }) : nothingMore(state);
  const isWorkerSeen = held.isWorkerSeen || isWorkerThere;
  const step = furtherStep(held.step, stepSeen(isWorkerSeen, files));
  return { ...written, state: { ...written.state, held: { ...held, isWorkerSeen, step } } };
}

function stepSeen(isWorkerSeen: boolean, files: FilesSight): TicketStep {
  if (isWorkerSeen || hasOpenMessage(files.facts) || files.facts.hasJobCompleted) return "running";
  return files.facts.hasSession ? "online" : "delivered";
}

/** Steps only go forward in what is reported. */
function furtherStep(a: TicketStep, b: TicketStep): TicketStep {
  return TICKET_STEPS.indexOf(a) >= TICKET_STEPS.indexOf(b) ? a : b;
}

function isGone(state: HostState, held: HeldTicket, atMs: number): boolean {
  const { phase } = held.fence;
  if (state.goneSinceMs === null || phase.kind === "closing" || phase.kind === "opening") return false;
  const apartMs = held.run.kind === "taken-over" ? TAKEN_OVER_LOOKS_APART_MS : GONE_LOOKS_APART_MS;
  return atMs - state.goneSinceMs >= apartMs;
}

/** The runner is gone. Which end is that, or is it no end? */
function judgeGone(state: HostState, held: HeldTicket, files: FilesSight, atMs: number): Verdict {
  const goneForMs = atMs - (state.goneSinceMs ?? atMs);
  const isLogBehind = files.unreadable === null && !files.isComplete;
  const isExitMissing = held.run.kind === "own" && held.run.exit === null;
  if ((isLogBehind || isExitMissing) && goneForMs < END_WAIT_MS) return { kind: "wait" };
  const { phase } = held.fence;
  if (held.isWorkerSeen || files.facts.hasJobCompleted || phase.kind === "failed")
    return { kind: "end", end: { kind: "spent" } };
  // Without its files nobody knows whether it went on: `tendFence` decides that they stay unreadable.
  if (phase.kind === "killed")
    return files.unreadable === null ? { kind: "end", end: { kind: "handed-back" } } : { kind: "wait" };
  const { run } = held;
  if (run.kind === "not-started") return barren(`could not start: ${run.why}`);
  if (run.kind === "taken-over" && run.process === null && !files.facts.hasLog && files.unreadable === null)
    return barren("never started");
  const code = run.kind === "own" && run.exit !== null ? run.exit.code : files.facts.returnCode;
  const isLast = isGivingBack(state) || state.isRetiring;
  const again = isLast ? null : judgeRestart(held, code, files, goneForMs);
  return again ?? barren(reasonOf(held, code));
}

/** Null where this exit is an end. */
function judgeRestart(held: HeldTicket, code: number | null, files: FilesSight, goneForMs: number): Verdict | null {
  if (code === null || held.offer === null) return null;
  // What arrived there stays open in its files for ever: a listener started again could never be seen to be free.
  if (hasOpenMessage(files.facts)) return null;
  if (UPDATE_CODES.has(code) && held.updateRestartCount < UPDATE_RESTARTS_MAX) {
    if (!files.isUpdateFinished) return goneForMs < UPDATE_WAIT_MS ? { kind: "wait" } : null;
    return { kind: "start-again", held: { ...held, updateRestartCount: held.updateRestartCount + 1 } };
  }
  if (code === RETRYABLE_CODE && held.retryRestartCount < RETRY_RESTARTS_MAX) {
    if (goneForMs < RETRY_PAUSE_MS) return { kind: "wait" };
    return { kind: "start-again", held: { ...held, retryRestartCount: held.retryRestartCount + 1 } };
  }
  return null;
}

function reasonOf(held: HeldTicket, code: number | null): string {
  if (code !== null) return `exit code ${code}`;
  const signal = held.run.kind === "own" ? held.run.exit?.signal : null;
  return signal ? `signal ${signal}` : "unknown exit";
}

function barren(reason: string): Verdict {
  return { kind: "end", end: { kind: "barren", reason } };
}

function endTicket(state: HostState, held: HeldTicket, end: TicketEnd): HostStep {
  return andThen(writeEntry(state, { kind: "ended", ticketId: held.id, end }), (written) => ({
    state: {
      ...written,
      held: null,
      unreadableFiles: null,
      unconfirmed: [...written.unconfirmed, { id: held.id, end }],
      place: { kind: "cleaning", failureCount: 0 },
    },
    effects: [{ kind: "send-logs", ticketId: held.id }, { kind: "clean" }],
  }));
}
