import { formatEntry, type JournalEntry, readJournal } from "../../../src/domain/host/journal.ts";
import { reportOf } from "../../../src/domain/host/report.ts";
import { NO_FACTS } from "../../../src/domain/host/runner-log.ts";
import type { ProcessSight } from "../../../src/domain/host/sight.ts";
import {
  GONE_LOOKS_APART_MS,
  type HostEffect,
  type HostInput,
  type HostState,
  NEW_HOST,
  RETRY_RESTARTS_MAX,
  UPDATE_RESTARTS_MAX,
} from "../../../src/domain/host/state.ts";
import type { stepHost } from "../../../src/domain/host/step.ts";
import type { TicketId } from "../../../src/domain/ids.ts";
import { TICKET_STEPS } from "../../../src/domain/ticket.ts";
import { ANSWER } from "./host-story.ts";

/** What the world does next. The host's own effects are answered as the world likes, or not at all. */
export type Event =
  | { readonly kind: "tell"; readonly input: HostInput }
  | { readonly kind: "look"; readonly processes: ProcessSight; readonly files: FilesChoice; readonly afterMs: number }
  | { readonly kind: "answer-report"; readonly isConfirming: boolean; readonly ticketOut: TicketId | null }
  /** Everything that the host asked for and was not answered succeeds. */
  | { readonly kind: "answer-effects" }
  | { readonly kind: "exit"; readonly code: number | null }
  /** The agent dies and another one starts with the same journal. */
  | { readonly kind: "crash" };

export interface FilesChoice {
  readonly hasSession: boolean;
  readonly hasJobCompleted: boolean;
  readonly isComplete: boolean;
  readonly isUpdateFinished: boolean;
}

export type Step = typeof stepHost;

/** Plays a story and finds what must never be. Keeps its own books: it does not ask the state what is true. */
export class Checker {
  readonly violations: string[] = [];
  readonly journal: JournalEntry[] = [];
  startCount = 0;
  #state: HostState = NEW_HOST;
  #atMs = 0;
  #pid = 100;
  #unanswered: HostEffect[] = [];
  readonly #starts = new Map<TicketId, number>();
  readonly #startsOfThisAgent = new Set<TicketId>();
  /** The latest look of this agent, and since when all looks show nothing. */
  #latest: ProcessSight | null = null;
  #nothingSinceMs: number | null = null;
  #stepSeen = -1;
  #stepTicket: TicketId | null = null;
  readonly #step: Step;
  readonly #isMember: boolean;
  /** A member's group has told this agent so, and it has not slept since. */
  #isInService = false;

  /** @param isMember of a group that has told its first agent that it is in service. */
  constructor(step: Step, isMember = false) {
    this.#step = step;
    this.#isMember = isMember;
    this.#begin();
    if (isMember) this.#tell({ kind: "service-told", service: "serving" });
  }

  play(events: readonly Event[]): this {
    for (const event of events) this.#happen(event);
    return this;
  }

  #begin(): void {
    this.#state = NEW_HOST;
    this.#latest = null;
    this.#nothingSinceMs = null;
    this.#unanswered = [];
    this.#startsOfThisAgent.clear();
    this.#isInService = false;
    const reading = readJournal(this.journal.map(formatEntry).join(""));
    if (reading.kind === "unreadable") this.violations.push(`the host cannot read its own journal: ${reading.why}`);
    this.#tell({ kind: "started", journal: reading, isSameBoot: true, isMember: this.#isMember });
  }

  #happen(event: Event): void {
    switch (event.kind) {
      case "tell":
        this.#tell(event.input);
        return;
      case "look": {
        this.#atMs += event.afterMs;
        const ticketId = this.#state.held?.id ?? null;
        const { isComplete, isUpdateFinished, ...facts } = event.files;
        const read = { isComplete, isUpdateFinished, isLineOpen: false, byteCount: 0, unreadable: null };
        const files = { facts: { ...NO_FACTS, ...facts }, ...read };
        this.#latest = event.processes;
        this.#nothingSinceMs = isNothing(event.processes) ? (this.#nothingSinceMs ?? this.#atMs) : null;
        const rest = { files: ticketId === null ? null : files, fence: null, listener: null, motion: null };
        const look = { ticketId, processes: event.processes, ...rest };
        this.#tell({ kind: "looked", look, atMs: this.#atMs });
        return;
      }
      case "answer-report": {
        const report = reportOf(this.#state);
        const confirmedEnds = event.isConfirming ? report.ended.map(({ id }) => id) : [];
        const answer = { ...ANSWER, confirmedEnds, ticketOut: event.ticketOut };
        this.#tell({ kind: "report-answered", report, answer });
        return;
      }
      case "answer-effects":
        for (const effect of this.#unanswered.splice(0)) this.#answer(effect);
        return;
      case "exit":
        this.#tell({ kind: "runner-exited", pid: this.#pid, exitCode: event.code, signal: null });
        return;
      case "crash":
        this.#begin();
        return;
    }
  }

  #answer(effect: HostEffect): void {
    if (effect.kind === "clean") this.#tell({ kind: "cleaned" });
    if (effect.kind === "prepare-root") this.#tell({ kind: "root-prepared" });
    if (effect.kind !== "start-runner") return;
    this.#pid += 1;
    this.#tell({ kind: "runner-started", ticketId: effect.ticket.id, process: { pid: this.#pid, startTime: "1" } });
  }

  #tell(input: HostInput): void {
    const wasOver = this.#state.isOver;
    if (input.kind === "service-told") this.#isInService = input.service === "serving";
    if (input.kind === "slept") this.#isInService = false;
    const { state, effects } = this.#step(this.#state, input);
    this.#state = state;
    if (wasOver && effects.length > 0) this.violations.push("something is done after all was over");
    for (const [index, effect] of effects.entries()) this.#check(effect, effects.slice(0, index));
    this.#unanswered.push(...effects);
    this.#checkReport();
  }

  #check(effect: HostEffect, before: readonly HostEffect[]): void {
    switch (effect.kind) {
      case "journal":
        if (before.some(({ kind }) => kind !== "journal")) this.violations.push("an entry comes after what it permits");
        if (effect.entry.kind === "ended") this.#checkEnd();
        if (effect.entry.kind === "taken" && this.#isMember && !this.#isInService)
          this.violations.push("a ticket is taken out of service");
        this.journal.push(effect.entry);
        return;
      case "start-runner":
        this.#checkStart(effect.ticket.id);
        return;
      case "clean":
      case "finish":
      case "power-off":
        if (!isNothing(this.#latest)) this.violations.push(`${effect.kind} although the latest look shows more`);
        if (this.#open() !== null) this.violations.push(`${effect.kind} with a ticket`);
        return;
      default:
        return;
    }
  }

  #checkEnd(): void {
    const { violations } = this;
    if (!isNothing(this.#latest) || this.#nothingSinceMs === null) violations.push("an end while a look shows more");
    else if (this.#atMs - this.#nothingSinceMs < GONE_LOOKS_APART_MS) violations.push("an end by a single look");
  }

  #checkStart(id: TicketId): void {
    this.startCount += 1;
    const { violations } = this;
    const entries = this.journal
      .filter((entry) => "ticketId" in entry && entry.ticketId === id)
      .map(({ kind }) => kind);
    if (!entries.includes("taken")) violations.push("a start before it was journaled");
    if (entries.includes("ended") || entries.includes("refused")) violations.push("a start of a ticket that is over");
    if (this.#open() !== id) violations.push("a start beside another ticket");
    if (!isNothing(this.#latest)) violations.push("a start while a runner is seen, or may be");
    const count = (this.#starts.get(id) ?? 0) + 1;
    this.#starts.set(id, count);
    if (count > 1 + UPDATE_RESTARTS_MAX + RETRY_RESTARTS_MAX) violations.push("a ticket started too often");
    if (count > 1 && !this.#startsOfThisAgent.has(id)) violations.push("a ticket of an earlier agent started again");
    if (count > 1 && !isLongEnough(this.#nothingSinceMs, this.#atMs)) violations.push("two live runners");
    this.#startsOfThisAgent.add(id);
    // It is running from now on, whatever the last look said.
    this.#nothingSinceMs = null;
  }

  /** The ticket that the journal shows taken and not ended. */
  #open(): TicketId | null {
    const taken = this.journal.flatMap((entry) => (entry.kind === "taken" ? [entry.ticketId] : []));
    const ended = this.journal.flatMap((entry) => (entry.kind === "ended" ? [entry.ticketId] : []));
    return taken.find((id) => !ended.includes(id)) ?? null;
  }

  #checkReport(): void {
    const report = reportOf(this.#state);
    const over = this.journal.flatMap((entry) =>
      entry.kind === "ended" || entry.kind === "refused" ? [entry.ticketId] : [],
    );
    if (!report.ended.every(({ id }) => over.includes(id))) this.violations.push("an end told that is in no journal");
    if (report.phase !== "starting" && (report.ticket?.id ?? null) !== this.#open())
      this.violations.push("the report names another ticket than the journal");
    if (report.phase === "parked" && this.#latest === null) this.violations.push("parked without a look");
    const step = report.ticket === null ? -1 : TICKET_STEPS.indexOf(report.ticket.step);
    if (report.ticket !== null && report.ticket.id === this.#stepTicket && step < this.#stepSeen && !this.#isFresh())
      this.violations.push("a step went back");
    if (report.ticket !== null) [this.#stepTicket, this.#stepSeen] = [report.ticket.id, step];
  }

  /** A new agent begins with what the journal says. */
  #isFresh(): boolean {
    return !this.#startsOfThisAgent.has(this.#stepTicket ?? ("" as TicketId));
  }
}

function isNothing(processes: ProcessSight | null): boolean {
  return processes?.kind === "seen" && processes.listenerCount === 0 && processes.workerCount === 0;
}

function isLongEnough(sinceMs: number | null, atMs: number): boolean {
  return sinceMs !== null && atMs - sinceMs >= GONE_LOOKS_APART_MS;
}
