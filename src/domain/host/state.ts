/**
 * What the agent on a machine knows, what it is told and what it does. `stepHost` in `step.ts` is the one function that
 * leads from one to the next; the real agent and simulated hosts run it alike.
 *
 *     starting -> preparing -> parked -> engaged -> preparing …      and from anywhere: leaving
 *
 * The place where a ticket's runner is to live goes its own way:
 *
 *     unclean -> cleaning -> clean -> preparing -> ready -> used -> cleaning …
 */
import type { TicketId } from "../ids.ts";
import { invariant } from "../invariant.ts";
import type { HostReport, OfferedTicket, PollAnswer, ReportAnswer } from "../protocol.ts";
import type { TicketEnd, TicketStep } from "../ticket.ts";
import { MINUTE_MS, SECOND_MS } from "../units.ts";
import { isUnreachable, NO_SILENCE, type Silence } from "./dead-man.ts";
import type { Fence } from "./fence-state.ts";
import { isInService, isOutOfService, type Service, type ToldService } from "./group-word.ts";
import {
  applyEntry,
  EMPTY_JOURNAL,
  type JournalContent,
  type JournalEntry,
  type JournalReading,
  type StartedProcess,
} from "./journal.ts";
import type { FenceLook, Look } from "./look.ts";
import type { ProcessSight } from "./sight.ts";
import type { StillnessTrack } from "./stillness-track.ts";

/** Two looks so far apart, and every one between them, must show nothing of a runner before it counts as gone. */
export const GONE_LOOKS_APART_MS = 400;
/** The same for a ticket taken over from an earlier agent, whose runner may have been started a moment before. */
export const TAKEN_OVER_LOOKS_APART_MS = 2 * SECOND_MS;
/** How long the runner's own update may take to say that it is finished. */
export const UPDATE_WAIT_MS = 30 * SECOND_MS;
/** Pause before a runner that ended with a passing failure is started again. */
export const RETRY_PAUSE_MS = 5 * SECOND_MS;
/** How often one ticket's runner is started again after its own update, and after a passing failure. */
export const UPDATE_RESTARTS_MAX = 1;
export const RETRY_RESTARTS_MAX = 2;
/** How long an end waits for what would tell its kind: the runner's log read to its end, our child's exit code. */
export const END_WAIT_MS = 30 * SECOND_MS;
/** How long a leaving host without a ticket waits for the controller to hear of it. */
export const LEAVE_PATIENCE_MS = 30 * SECOND_MS;
/** Pause after a fence that the host closed by itself and had to open again. */
export const OWN_FENCE_PAUSE_MS = 30 * SECOND_MS;
/** A listener whose job went elsewhere, or is over, and that stays: it will get no other, and is handed back. */
export const JOBLESS_FOR_MS = 10 * MINUTE_MS;
/** How long another agent's watchdog is left to decide; it takes half of that at most. */
export const FOREIGN_FENCE_MS = 20 * SECOND_MS;
/** Tickets that one machine takes or refuses in its life; far more than any machine gets. */
export const TICKETS_PER_LIFE_MAX = 1_000;

/** How the runner of the held ticket came to be. */
export type Run =
  /** `start-runner` was asked for and not yet answered. */
  | { readonly kind: "starting" }
  /** @property exit what ended it, once it has ended: "exit code 1", "signal SIGKILL". */
  | {
      readonly kind: "own";
      readonly process: StartedProcess;
      readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
    }
  | { readonly kind: "not-started"; readonly why: string }
  /** Started by an earlier agent, if at all: not our child. */
  | { readonly kind: "taken-over"; readonly process: StartedProcess | null };

export interface HeldTicket {
  readonly id: TicketId;
  /** With its secret, which is nowhere but in memory: null after a takeover. */
  readonly offer: OfferedTicket | null;
  readonly run: Run;
  readonly step: TicketStep;
  readonly isWorkerSeen: boolean;
  readonly updateRestartCount: number;
  readonly retryRestartCount: number;
  readonly fence: Fence;
  readonly stillness: StillnessTrack;
}

export interface EndedTicket {
  readonly id: TicketId;
  readonly end: TicketEnd;
}

/** @property failureCount tries in a row that failed. @property notBeforeMs monotonic; null until the next look sets it. */
export type Place =
  | { readonly kind: "unclean"; readonly failureCount: number; readonly notBeforeMs: number | null }
  | { readonly kind: "cleaning"; readonly failureCount: number }
  | { readonly kind: "clean"; readonly failureCount: number; readonly notBeforeMs: number | null }
  | { readonly kind: "preparing"; readonly failureCount: number }
  | { readonly kind: "ready" }
  | { readonly kind: "used" };

export interface HostState {
  /** Null until it was read. */
  readonly journal: JournalContent | null;
  /** Why the journal cannot be read: the host is then unknown for good. */
  readonly unreadableJournal: string | null;
  /** The process table was seen since this agent started. */
  readonly isLookedAt: boolean;
  readonly held: HeldTicket | null;
  /** Ends that the controller has not confirmed. */
  readonly unconfirmed: readonly EndedTicket[];
  /** Of the latest look; null before the first. */
  readonly processes: ProcessSight | null;
  readonly unreadableFiles: string | null;
  /** Monotonic milliseconds of the first of those looks, up to the latest, that show nothing of a runner. */
  readonly goneSinceMs: number | null;
  readonly place: Place;
  readonly isLeaving: boolean;
  /** The platform said that it takes the machine: like leaving, but its end is the provider's and the agent stays until then. */
  readonly isWantedBack: boolean;
  readonly service: Service;
  /** Since when it leaves without a ticket, by the looks. */
  readonly idleLeavingSinceMs: number | null;
  /** The controller knows that it leaves and how every ticket ended. */
  readonly isLeaveHeard: boolean;
  readonly isRetiring: boolean;
  /** Over for good: nothing is done any more. */
  readonly isOver: boolean;
  /** The controller's answer to what this agent said of its tickets: before it, no ticket is asked for. */
  readonly isAccounted: boolean;
  readonly pollCount: number;
  readonly isPollOpen: boolean;
  /** A ticket that the controller says is out to us and that we do not know: the next poll should bring it. */
  readonly expected: { readonly ticketId: TicketId; readonly sincePollCount: number } | null;
  readonly silence: Silence;
}

export const NEW_HOST: HostState = {
  journal: null,
  unreadableJournal: null,
  isLookedAt: false,
  held: null,
  unconfirmed: [],
  processes: null,
  unreadableFiles: null,
  goneSinceMs: null,
  place: { kind: "unclean", failureCount: 0, notBeforeMs: null },
  isLeaving: false,
  isWantedBack: false,
  service: "alone",
  idleLeavingSinceMs: null,
  isLeaveHeard: false,
  isRetiring: false,
  isOver: false,
  isAccounted: false,
  pollCount: 0,
  isPollOpen: false,
  expected: null,
  silence: NO_SILENCE,
};

/** Times are monotonic milliseconds of the machine. */
export type HostInput =
  /**
   * First of all, once.
   * @property isSameBoot the journal's processes are of this boot: their numbers still name them.
   * @property isMember an Auto Scaling group has the machine.
   */
  | {
      readonly kind: "started";
      readonly journal: JournalReading;
      readonly isSameBoot: boolean;
      readonly isMember: boolean;
    }
  /** Taken and handed in with nothing in between. */
  | { readonly kind: "looked"; readonly look: Look; readonly atMs: number }
  | { readonly kind: "poll-sent" }
  /** Null: it failed, was broken off, or its answer was lost. */
  | { readonly kind: "polled"; readonly answer: PollAnswer | null }
  | { readonly kind: "report-answered"; readonly report: HostReport; readonly answer: ReportAnswer }
  /** A call to the controller ended. Answered: with any HTTP status at all. */
  | { readonly kind: "exchanged"; readonly isAnswered: boolean; readonly atMs: number }
  | { readonly kind: "runner-started"; readonly ticketId: TicketId; readonly process: StartedProcess }
  /** No process was started. */
  | { readonly kind: "runner-not-started"; readonly ticketId: TicketId; readonly why: string }
  | {
      readonly kind: "runner-exited";
      readonly pid: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  | { readonly kind: "cleaned" }
  | { readonly kind: "clean-failed" }
  | { readonly kind: "root-prepared" }
  | { readonly kind: "root-failed" }
  /**
   * The listener is stopped, its watchdog runs, and this was seen: the answer is `open-fence`, at once.
   * @property name the fence's folder, which nothing else ever had.
   */
  | { readonly kind: "fence-closed"; readonly ticketId: TicketId; readonly name: string; readonly look: FenceLook }
  /** Nothing is stopped, or is not any more. */
  | { readonly kind: "fence-failed"; readonly ticketId: TicketId; readonly why: string; readonly atMs: number }
  /** Killed: by whoever won the claim for it. Resumed: the listener goes on, whatever had been asked for. */
  | { readonly kind: "fence-opened"; readonly outcome: "killed" | "resumed"; readonly atMs: number }
  /**
   * What came of `send-logs`, after every try of its own.
   * @property isTaken the controller has them.
   */
  | { readonly kind: "logs-sent"; readonly ticketId: TicketId; readonly isTaken: boolean; readonly atMs: number }
  /** SIGTERM. */
  | { readonly kind: "asked-to-stop" }
  /** The platform's notice: a spot instance is to be taken back. Nothing takes that back. */
  | { readonly kind: "wanted-back" }
  /** What a member's metadata says now. It is told again and again, and the latest counts. */
  | { readonly kind: "service-told"; readonly service: ToldService }
  /** The machine was asleep, or stood still: whatever was heard before may be old. */
  | { readonly kind: "slept" };

/** Done in their order, each finished before the next: a journal entry is durable before the effect after it. */
export type HostEffect =
  | { readonly kind: "journal"; readonly entry: JournalEntry }
  /** Answered by `runner-started` or `runner-not-started`. The only one that holds a secret. */
  | { readonly kind: "start-runner"; readonly ticket: OfferedTicket }
  /**
   * Start the watchdog, stop the listener, look. Answered by `fence-closed`, or by `fence-failed`, after which nothing is
   * stopped.
   */
  | { readonly kind: "close-fence"; readonly ticketId: TicketId; readonly process: StartedProcess }
  /** Claim one of the two for the closed fence; answered by `fence-opened`. The kill is the only effect that can end a runner. */
  | { readonly kind: "open-fence"; readonly claim: "kill" | "resume" }
  /** Nobody holds the fence around this listener any more: resume it, and void whatever was claimed. */
  | { readonly kind: "lift-fence"; readonly ticketId: TicketId; readonly process: StartedProcess }
  /** Collect them now. Answered by `logs-sent`; only those of a ticket that is over are waited for. */
  | { readonly kind: "send-logs"; readonly ticketId: TicketId }
  /**
   * Kill what is left of jobs that are over, and remove every root. Answered by `cleaned`, or by `clean-failed`: also
   * where a look right before it shows something of a runner, of which nothing is touched.
   */
  | { readonly kind: "clean" }
  /** A fresh root for the next ticket. Answered by `root-prepared` or `root-failed`. */
  | { readonly kind: "prepare-root" }
  /** Send a report now; finished as soon as it is on its way. */
  | { readonly kind: "report" }
  /** All is over: the agent ends, and its launcher with it. */
  | { readonly kind: "finish" }
  /** The dead man's switch: nobody is there to end this machine, so it ends itself. */
  | { readonly kind: "power-off" };

export interface HostStep {
  readonly state: HostState;
  readonly effects: readonly HostEffect[];
}

export function journalOf(state: HostState): JournalContent {
  return state.journal ?? EMPTY_JOURNAL;
}

/** Whether this machine has ever taken or refused the ticket. */
export function isKnown(state: HostState, ticketId: TicketId): boolean {
  return journalOf(state).tickets.has(ticketId);
}

/** The latest look, with every process told apart, shows nothing of a runner. */
export function seesNoRunner(state: HostState): boolean {
  const { processes } = state;
  return processes?.kind === "seen" && processes.listenerCount === 0 && processes.workerCount === 0;
}

/**
 * The dead man's switch: nobody answers, and nobody wants the machine kept whatever comes. A member has none: its group
 * would put another in its place for as long as nobody answers.
 */
export function isCutOff(state: HostState, forMs: number): boolean {
  return state.service === "alone" && isUnreachable(state.silence, forMs) && !journalOf(state).isPinned;
}

/** It comes to its end here, by whoever's wish. */
export function isEnding(state: HostState): boolean {
  return state.isLeaving || state.isWantedBack || state.service === "ending";
}

/** The ticket that it holds is its last for now: given back if no job has come with it, and never started again. */
export function isGivingBack(state: HostState): boolean {
  return isEnding(state) || isOutOfService(state.service);
}

/** A machine that is put aside has its root ready for when it comes back. */
export function canHaveNext(state: HostState): boolean {
  return !isEnding(state) && !state.isRetiring && !state.isOver && state.unreadableJournal === null;
}

/** Of one that could have a next ticket: whether it may be now. */
export function mayTakeNow(state: HostState): boolean {
  return canHaveNext(state) && isInService(state.service);
}

/** The step that also writes an entry: the state knows it at once, the journal before anything else is done. */
export function writeEntry(state: HostState, entry: JournalEntry): HostStep {
  const journal = applyEntry(journalOf(state), entry);
  invariant(journal !== null, `the journal takes the entry ${entry.kind}`);
  return { state: { ...state, journal }, effects: [{ kind: "journal", entry }] };
}

/** One step after another; the effects of both, in order. */
export function andThen(first: HostStep, next: (state: HostState) => HostStep): HostStep {
  const second = next(first.state);
  return { state: second.state, effects: [...first.effects, ...second.effects] };
}

export function nothingMore(state: HostState): HostStep {
  return { state, effects: [] };
}
