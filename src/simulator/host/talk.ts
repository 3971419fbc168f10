/**
 * The agent's conversation (`src/agent/talk.ts`): reports on every change and each heartbeat, and while parked a poll that waits
 * for a ticket. It knows the state that the loop last made durable and puts what it hears into the inbox.
 */
import { type BackoffPolicy, backoffMs } from "../../domain/backoff.ts";
import { isPolling, reportOf } from "../../domain/host/report.ts";
import { type HostInput, type HostState, journalOf, NEW_HOST } from "../../domain/host/state.ts";
import { HEARTBEAT_MS, type PollAnswer, type SavedLogs } from "../../domain/protocol.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Chance } from "../world/chance.ts";
import type { Scheduled } from "../world/scheduler.ts";
import type { Client, Outcome } from "./client.ts";
import type { Course } from "./course.ts";

const TALK_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS / 2, limitMs: HEARTBEAT_MS };
const CONFIRM_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS, limitMs: HEARTBEAT_MS };
/** A poll that came back sooner without a ticket for us is followed by a pause. */
const POLL_SHORT_MS = SECOND_MS;
const LOG_TRIES_MAX = 3;

export interface TalkParts {
  readonly client: Client;
  readonly course: Course;
  readonly chance: Chance;
  readonly heartbeatMs: number;
  readonly now: () => number;
  /** Calls back when the input was stepped and every effect of it is done. */
  readonly put: (input: HostInput, onDone?: () => void) => void;
}

export class Talk {
  readonly #parts: TalkParts;
  #state: HostState = NEW_HOST;
  #isReportDue = true;
  /** The pause until the next heartbeat, which a report that is due ends. */
  #heartbeat: Scheduled | null = null;
  #failureCount = 0;
  #unconfirmedCount = 0;
  #poll: "none" | "announced" | "pausing" | { readonly breakOff: () => void } = "none";
  #shortPollCount = 0;

  constructor(parts: TalkParts) {
    this.#parts = parts;
  }

  /** What may be told from now on: the journal has all of it. */
  update(state: HostState): void {
    this.#state = state;
    if (typeof this.#poll === "object" && !isPolling(state)) this.#poll.breakOff();
    this.#tendPoll();
  }

  reportNow(): void {
    this.#isReportDue = true;
    if (this.#heartbeat === null) return;
    this.#heartbeat.cancel();
    this.#heartbeat = null;
    this.report();
  }

  /** One at a time; a failed one is made anew after a pause. */
  report(): void {
    const { client, course, put, heartbeatMs } = this.#parts;
    this.#isReportDue = false;
    const report = reportOf(this.#state);
    client.report(report, journalOf(this.#state).storeGeneration, (outcome) => {
      if (outcome.kind === "failed") {
        this.#failureCount += 1;
        return void course.after(this.#spread(TALK_BACKOFF, this.#failureCount), () => this.report());
      }
      this.#failureCount = 0;
      const { answer } = outcome;
      put({ kind: "report-answered", report, answer });
      const isConfirmed = report.ended.every(({ id }) => answer.confirmedEnds.includes(id));
      this.#unconfirmedCount = isConfirmed ? 0 : this.#unconfirmedCount + 1;
      const waitMs = isConfirmed ? heartbeatMs : this.#spread(CONFIRM_BACKOFF, this.#unconfirmedCount);
      if (this.#isReportDue) return this.report();
      this.#heartbeat = course.after(waitMs, () => {
        this.#heartbeat = null;
        this.report();
      });
    });
  }

  /** Calls back with whether the controller has them. */
  sendLogs(saved: Pick<SavedLogs, "ticketId" | "logs">, onSent: (isTaken: boolean) => void, tryCount = 1): void {
    const { client, course } = this.#parts;
    client.sendLogs(saved, (outcome) => {
      if (outcome.kind === "answered") return onSent(outcome.answer > 0);
      if (outcome.isRefusal || tryCount >= LOG_TRIES_MAX) return onSent(false);
      course.after(this.#spread(TALK_BACKOFF, tryCount), () => this.sendLogs(saved, onSent, tryCount + 1));
    });
  }

  /** Whenever the state wants a ticket; each answer is stepped before the next poll is sent. */
  #tendPoll(): void {
    if (this.#poll !== "none" || !isPolling(this.#state)) return;
    this.#poll = "announced";
    this.#parts.put({ kind: "poll-sent" }, () => this.#sendPoll());
  }

  #sendPoll(): void {
    const sentAtMs = this.#parts.now();
    let isOver = false;
    const breakOff = this.#parts.client.poll((outcome) => {
      isOver = true;
      this.#settlePoll(outcome, sentAtMs);
    });
    if (isOver) return;
    this.#poll = { breakOff };
    if (!isPolling(this.#state)) breakOff();
  }

  #settlePoll(outcome: Outcome<PollAnswer>, sentAtMs: number): void {
    const { put, course, now } = this.#parts;
    this.#poll = "announced";
    put({ kind: "polled", answer: outcome.kind === "answered" ? outcome.answer : null }, () => {
      const isShort = outcome.kind === "failed" || now() - sentAtMs < POLL_SHORT_MS;
      this.#shortPollCount = isShort && isPolling(this.#state) ? this.#shortPollCount + 1 : 0;
      this.#poll = "pausing";
      const pauseMs = this.#shortPollCount === 0 ? 0 : this.#spread(TALK_BACKOFF, this.#shortPollCount);
      const goOn = () => {
        this.#poll = "none";
        this.#tendPoll();
      };
      if (pauseMs === 0) goOn();
      else course.after(pauseMs, goOn);
    });
  }

  #spread(policy: BackoffPolicy, count: number): number {
    return backoffMs(policy, count, this.#parts.chance.fraction());
  }
}
