/**
 * Which tickets this machine takes, and how it accounts for those that the controller believes to be out to it.
 *
 * A ticket that it did not take it refuses, in the journal first: a refused ticket never starts, however late it arrives.
 */
import type { TicketId } from "../ids.ts";
import { type OfferedTicket, type PollAnswer, REPORTED_ENDS_MAX, type ReportAnswer } from "../protocol.ts";
import { noteOrder } from "./fence.ts";
import { NO_FENCE } from "./fence-state.ts";
import { startRunner } from "./follow-ticket.ts";
import { REFUSED } from "./journal.ts";
import { canTakeTicket, isPolling } from "./report.ts";
import {
  andThen,
  type HostInput,
  type HostState,
  type HostStep,
  isKnown,
  journalOf,
  nothingMore,
  TICKETS_PER_LIFE_MAX,
  writeEntry,
} from "./state.ts";
import { NOT_STILL } from "./stillness-track.ts";

export function notePollSent(state: HostState): HostStep {
  return nothingMore({ ...state, pollCount: state.pollCount + 1, isPollOpen: true });
}

export function notePollAnswer(state: HostState, answer: PollAnswer | null): HostStep {
  const closed = { ...state, isPollOpen: false };
  switch (answer?.kind) {
    case "ticket":
      return considerOffer(closed, answer.ticket);
    case "nothing":
      return giveUpExpected(closed);
    case "report":
      return { state: closed, effects: [{ kind: "report" }] };
    case undefined:
      return nothingMore(closed);
  }
}

function considerOffer(state: HostState, ticket: OfferedTicket): HostStep {
  if (isKnown(state, ticket.id)) return nothingMore(state);
  return canTakeTicket(state) ? takeTicket(state, ticket) : refuseTicket(state, ticket.id);
}

function takeTicket(state: HostState, ticket: OfferedTicket): HostStep {
  const written = writeEntry(state, { kind: "taken", ticketId: ticket.id, runnerName: ticket.runnerName });
  return andThen(written, (known) => {
    const held = {
      id: ticket.id,
      offer: ticket,
      run: { kind: "starting" },
      step: "delivered",
      isWorkerSeen: false,
      updateRestartCount: 0,
      retryRestartCount: 0,
      fence: NO_FENCE,
      stillness: NOT_STILL,
    } as const;
    return startRunner({ ...known, held, expected: null, place: { kind: "used" } });
  });
}

function refuseTicket(state: HostState, ticketId: TicketId): HostStep {
  const hasRoom = journalOf(state).tickets.size < TICKETS_PER_LIFE_MAX + REPORTED_ENDS_MAX;
  if (state.journal === null || !hasRoom) return nothingMore(state);
  return andThen(writeEntry(state, { kind: "refused", ticketId }), (written) =>
    nothingMore({
      ...written,
      expected: written.expected?.ticketId === ticketId ? null : written.expected,
      unconfirmed: [...written.unconfirmed, { id: ticketId, end: REFUSED }],
    }),
  );
}

/**
 * A poll sent after the controller named the ticket came back without it, though it answers a ticket again to the
 * incarnation that it was given to: it was given to an earlier one.
 */
function giveUpExpected(state: HostState): HostStep {
  const { expected } = state;
  if (expected === null || state.pollCount <= expected.sincePollCount) return nothingMore(state);
  return refuseTicket(state, expected.ticketId);
}

export function noteReportAnswer(state: HostState, input: HostInput & { kind: "report-answered" }): HostStep {
  const { report, answer } = input;
  if (state.journal === null) return nothingMore(state);
  const noted = andThen(noteStore(state, answer), (next) => notePin(next, answer));
  const seen = andThen(noted, (next) => confirmEnds(next, answer.confirmedEnds));
  const isAccounted = state.isAccounted || report.phase !== "starting";
  return andThen(seen, (next) =>
    andThen(
      accountFor({ ...noteOrder(next, answer), isRetiring: answer.isRetiring, isAccounted }, answer.ticketOut),
      (accounted) => {
        const isTold = report.phase === "leaving" && report.ticket === null && accounted.isLeaving;
        const isLeaveHeard = isTold && accounted.held === null && accounted.unconfirmed.length === 0;
        return nothingMore({ ...accounted, isLeaveHeard });
      },
    ),
  );
}

function noteStore(state: HostState, answer: ReportAnswer): HostStep {
  if (answer.storeGeneration <= journalOf(state).storeGeneration) return nothingMore(state);
  return writeEntry(state, { kind: "store-seen", generation: answer.storeGeneration });
}

/** Kept through restarts and while nobody answers: that is when it counts. */
function notePin(state: HostState, { isPinned }: ReportAnswer): HostStep {
  if (isPinned === journalOf(state).isPinned) return nothingMore(state);
  return writeEntry(state, { kind: "pinned", isPinned });
}

function confirmEnds(state: HostState, confirmed: readonly TicketId[]): HostStep {
  const told = state.unconfirmed.filter(({ id }) => confirmed.includes(id));
  const rest = state.unconfirmed.filter(({ id }) => !confirmed.includes(id));
  return told.reduce<HostStep>(
    (step, { id }) =>
      andThen(step, (next) => {
        // After a store was restored an end may be confirmed anew.
        const isNews = journalOf(next).tickets.get(id)?.isConfirmed === false;
        return isNews ? writeEntry(next, { kind: "confirmed", ticketId: id }) : nothingMore(next);
      }),
    nothingMore({ ...state, unconfirmed: rest }),
  );
}

/** @param ticketId the one that the controller believes to be out to this machine. */
function accountFor(state: HostState, ticketId: TicketId | null): HostStep {
  if (ticketId === null || state.held?.id === ticketId) return nothingMore({ ...state, expected: null });
  const record = journalOf(state).tickets.get(ticketId);
  if (record !== undefined) return nothingMore(repeatEnd({ ...state, expected: null }, ticketId));
  const canStillCome = state.pollCount > 0 && (state.isPollOpen || isPolling(state));
  if (!canStillCome) return refuseTicket(state, ticketId);
  const expected =
    state.expected?.ticketId === ticketId ? state.expected : { ticketId, sincePollCount: state.pollCount };
  return nothingMore({ ...state, expected });
}

/** An end that was confirmed once, to a store that forgot it. */
function repeatEnd(state: HostState, ticketId: TicketId): HostState {
  const end = journalOf(state).tickets.get(ticketId)?.end ?? null;
  const isListed = state.unconfirmed.some(({ id }) => id === ticketId);
  if (end === null || isListed) return state;
  return { ...state, unconfirmed: [...state.unconfirmed, { id: ticketId, end }] };
}
