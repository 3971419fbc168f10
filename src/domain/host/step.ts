/**
 * What the agent does about what it is told: one pure function from a state and an input to the next state and the effects
 * that lead there. No end of the agent, of whatever kind, ends a runner: the one effect that does is the fence's (`fence.ts`).
 */
import { notePollAnswer, notePollSent, noteReportAnswer } from "./account.ts";
import { NO_SILENCE, noteExchange } from "./dead-man.ts";
import { noteFenceClosed, noteFenceFailed, noteFenceOpened } from "./fence.ts";
import { NO_FENCE } from "./fence-state.ts";
import { followTicket } from "./follow-ticket.ts";
import { serviceAfterSleep, type ToldService } from "./group-word.ts";
import type { TicketRecord } from "./journal.ts";
import type { Look } from "./look.ts";
import { reportOf } from "./report.ts";
import { doubtAbout } from "./runner-log.ts";
import {
  type HeldTicket,
  type HostEffect,
  type HostInput,
  type HostState,
  type HostStep,
  nothingMore,
  seesNoRunner,
  writeEntry,
} from "./state.ts";
import { noteLogsSent } from "./stillness.ts";
import { NOT_STILL } from "./stillness-track.ts";
import { noteCleaned, notePlaceFailed, notePrepared, restWithoutTicket } from "./without-ticket.ts";

export function stepHost(state: HostState, input: HostInput): HostStep {
  const step = handle(state, input);
  return { state: step.state, effects: withReport(state, step) };
}

function handle(state: HostState, input: HostInput): HostStep {
  if (state.isOver) return nothingMore(state);
  switch (input.kind) {
    case "started":
      return start(state, input);
    case "looked":
      return look(state, input.look, input.atMs);
    case "poll-sent":
      return notePollSent(state);
    case "polled":
      return notePollAnswer(state, input.answer);
    case "report-answered":
      return noteReportAnswer(state, input);
    case "exchanged":
      return nothingMore({ ...state, silence: noteExchange(state.silence, input.isAnswered, input.atMs) });
    case "runner-started":
      return noteStarted(state, input);
    case "runner-not-started":
      return nothingMore(noteNotStarted(state, input));
    case "runner-exited":
      return nothingMore(noteExit(state, input));
    case "cleaned":
      return noteCleaned(state);
    case "root-prepared":
      return notePrepared(state);
    case "clean-failed":
    case "root-failed":
      return notePlaceFailed(state);
    case "fence-closed":
      return noteFenceClosed(state, input);
    case "fence-failed":
      return nothingMore(noteFenceFailed(state, input));
    case "fence-opened":
      return nothingMore(noteFenceOpened(state, input));
    case "logs-sent":
      return nothingMore(noteLogsSent(state, input));
    case "asked-to-stop":
      return nothingMore({ ...state, isLeaving: true });
    case "wanted-back":
      return nothingMore({ ...state, isWantedBack: true });
    case "service-told":
      return nothingMore(noteService(state, input.service));
    case "slept":
      return nothingMore({ ...state, silence: NO_SILENCE, service: serviceAfterSleep(state.service) });
  }
}

/** Only a member is told. */
function noteService(state: HostState, service: ToldService): HostState {
  return state.service === "alone" ? state : { ...state, service };
}

function start(before: HostState, { journal, isSameBoot, isMember }: HostInput & { kind: "started" }): HostStep {
  if (before.journal !== null) return nothingMore(before);
  const state: HostState = { ...before, service: isMember ? "untold" : "alone" };
  if (journal.kind === "unreadable") return nothingMore({ ...state, unreadableJournal: journal.why });
  const records = [...journal.content.tickets.values()];
  const open = records.find((record) => record.end === null);
  const unconfirmed = records.flatMap(({ id, end, isConfirmed }) => (end === null || isConfirmed ? [] : [{ id, end }]));
  const read = { ...state, journal: journal.content, unconfirmed };
  return nothingMore(
    open === undefined ? read : { ...read, held: takeOver(open, isSameBoot), place: { kind: "used" } },
  );
}

/** After another boot, or where that is not certain, the runner is looked for anew: its number may be anybody's. */
function takeOver(record: TicketRecord, isSameBoot: boolean): HeldTicket {
  const { fencing, isFenceFailed } = record;
  const inherited = fencing === null ? NO_FENCE : { ...NO_FENCE, phase: { kind: "inherited", fencing } as const };
  return {
    id: record.id,
    offer: null,
    run: { kind: "taken-over", process: isSameBoot ? record.started : null },
    step: record.isWorkerSeen || isFenceFailed ? "running" : "delivered",
    isWorkerSeen: record.isWorkerSeen,
    updateRestartCount: 0,
    retryRestartCount: 0,
    fence: isFenceFailed ? { ...NO_FENCE, phase: { kind: "failed" } } : inherited,
    stillness: NOT_STILL,
  };
}

function look(state: HostState, seen: Look, atMs: number): HostStep {
  if (seen.ticketId !== (state.held?.id ?? null)) return nothingMore(state);
  const next: HostState = {
    ...state,
    processes: seen.processes,
    isLookedAt: state.isLookedAt || seen.processes.kind === "seen",
    unreadableFiles: whyUnreadable(seen),
  };
  const isGone = seesNoRunner(next) && state.held?.run.kind !== "starting";
  const noted: HostState = { ...next, goneSinceMs: isGone ? (state.goneSinceMs ?? atMs) : null };
  // With an unreadable journal there may be a ticket: nothing is done but to say so.
  if (noted.journal === null || !noted.isLookedAt) return nothingMore(noted);
  return noted.held === null ? restWithoutTicket(noted, atMs) : followTicket(noted, seen, atMs);
}

function whyUnreadable({ files, fence }: Look): string | null {
  if (files === null) return null;
  return files.unreadable ?? doubtAbout(files.facts) ?? fence?.unreadable ?? null;
}

function noteStarted(state: HostState, input: HostInput & { kind: "runner-started" }): HostStep {
  const { held } = state;
  if (held?.id !== input.ticketId || held.run.kind !== "starting") return nothingMore(state);
  const run = { kind: "own", process: input.process, exit: null } as const;
  return writeEntry({ ...state, held: { ...held, run } }, { kind: "started", ticketId: held.id, ...input.process });
}

function noteNotStarted(state: HostState, input: HostInput & { kind: "runner-not-started" }): HostState {
  const { held } = state;
  if (held?.id !== input.ticketId || held.run.kind !== "starting") return state;
  return { ...state, held: { ...held, run: { kind: "not-started", why: input.why } } };
}

function noteExit(state: HostState, input: HostInput & { kind: "runner-exited" }): HostState {
  const { held } = state;
  if (held?.run.kind !== "own" || held.run.process.pid !== input.pid || held.run.exit !== null) return state;
  const exit = { code: input.exitCode, signal: input.signal };
  return { ...state, held: { ...held, run: { ...held.run, exit } } };
}

/** Each change of what would be reported is reported: after the journal has it, before anything that takes long. */
function withReport(before: HostState, step: HostStep): readonly HostEffect[] {
  const isChanged = JSON.stringify(reportOf(before)) !== JSON.stringify(reportOf(step.state));
  const rest = step.effects.filter((effect) => effect.kind !== "journal" && effect.kind !== "report");
  const isAsked = step.effects.some((effect) => effect.kind === "report");
  if (!isChanged && !isAsked) return step.effects;
  return [...step.effects.filter((effect) => effect.kind === "journal"), { kind: "report" }, ...rest];
}
